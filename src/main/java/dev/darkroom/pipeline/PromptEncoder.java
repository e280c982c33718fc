package dev.darkroom.pipeline;

import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.nets.Networks;
import dev.darkroom.nets.Networks.TextStates;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Prompts to hidden states. A prompt of any length is cut into chunks of as many tokens as the encoder takes, each encoded for
 * itself, with beginning, end and padding; their hidden states follow one another. Weights multiply the hidden states of their
 * tokens, after which the mean of each encoder's states over the whole prompt is what it was. A prompt of one chunk without
 * weights is encoded as diffusers' own pipelines do.
 *
 * <p>Reference: diffusers {@code examples/community/lpw_stable_diffusion.py}, {@code get_weighted_text_embeddings}. The pooled
 * state is the first chunk's and has no weights, as in stable-diffusion-webui's {@code modules/sd_hijack_clip.py}.
 */
public final class PromptEncoder implements AutoCloseable {
    /** 64 MB: 283 chunks of SD 1.5, 106 of SDXL. */
    private static final int REMEMBERED_FLOATS = 16 << 20;

    private final Networks networks;
    private final List<ClipTokenizer> tokenizers;
    private final boolean zerosForEmptyPrompt;
    private final Map<Key, TextStates> remembered = new LinkedHashMap<>(16, 0.75f, true);
    private int rememberedFloats;

    private record Key(String text, int clipSkip, int chunks) {}

    /**
     * @param ids at most the tokenizer's capacity
     * @param weights one for each id
     */
    private record Chunk(long[] ids, float[] weights) {}

    /** @param negative of as many tokens as the prompt's; null where there was none to encode */
    record Encoded(TextStates prompt, @Nullable TextStates negative) {}

    /**
     * @param networks not closed here
     * @param tokenizers one for each text encoder; closed here
     * @param zerosForEmptyPrompt whether an empty negative prompt means zeros instead of what the encoders say about it
     */
    public PromptEncoder(Networks networks, List<ClipTokenizer> tokenizers, boolean zerosForEmptyPrompt) {
        this.networks = networks;
        this.tokenizers = tokenizers;
        this.zerosForEmptyPrompt = zerosForEmptyPrompt;
    }

    /**
     * Encodes both, the shorter one filled up with empty chunks.
     *
     * @param clipSkip how many of the encoders' last layers the prompt leaves out, as diffusers' {@code clip_skip}; as
     *     there, the negative prompt leaves out none
     * @throws IllegalArgumentException if an encoder has too few layers for that
     */
    Encoded encode(String prompt, @Nullable String negative, int clipSkip) {
        List<List<Chunk>> chunks = chunks(prompt);
        if (negative == null) {
            return new Encoded(encode(prompt, chunks, clipSkip, longest(chunks)), null);
        }
        if (negative.isEmpty() && zerosForEmptyPrompt) {
            TextStates text = encode(prompt, chunks, clipSkip, longest(chunks));
            return new Encoded(text, zerosLike(text));
        }
        List<List<Chunk>> negativeChunks = chunks(negative);
        int count = Math.max(longest(chunks), longest(negativeChunks));
        return new Encoded(encode(prompt, chunks, clipSkip, count), encode(negative, negativeChunks, 0, count));
    }

    /** Chunks of the longer one. */
    int chunks(String prompt, @Nullable String negative) {
        return Math.max(longest(chunks(prompt)), negative == null ? 0 : longest(chunks(negative)));
    }

    /** The chunks for each encoder. */
    private List<List<Chunk>> chunks(String text) {
        WeightedPrompt prompt = WeightedPrompt.parse(text);
        return tokenizers.stream().map(tokenizer -> chunks(tokenizer, prompt)).toList();
    }

    private static int longest(List<List<Chunk>> chunks) {
        return chunks.stream().mapToInt(List::size).max().orElse(0);
    }

    private static TextStates zerosLike(TextStates states) {
        float[] pooled = states.pooled() == null ? null : new float[states.pooled().length];
        return new TextStates(new float[states.hidden().length], pooled);
    }

    private static List<Chunk> chunks(ClipTokenizer tokenizer, WeightedPrompt prompt) {
        int capacity = tokenizer.capacity();
        List<Chunk> chunks = new ArrayList<>();
        long[] ids = new long[capacity];
        float[] weights = new float[capacity];
        int length = 0;
        for (WeightedPrompt.Piece piece : prompt.pieces()) {
            if (piece.startsChunk()) {
                chunks.add(new Chunk(Arrays.copyOf(ids, length), Arrays.copyOf(weights, length)));
                length = 0;
            }
            for (long id : tokenizer.ids(piece.text())) {
                if (length == capacity) {
                    chunks.add(new Chunk(ids.clone(), weights.clone()));
                    length = 0;
                }
                ids[length] = id;
                weights[length++] = (float) piece.weight();
            }
        }
        if (length > 0 || chunks.isEmpty()) {
            chunks.add(new Chunk(Arrays.copyOf(ids, length), Arrays.copyOf(weights, length)));
        }
        return chunks;
    }

    private TextStates encode(String text, List<List<Chunk>> chunks, int clipSkip, int count) {
        Key key = new Key(text, clipSkip, count);
        TextStates known = remembered.get(key);
        if (known != null) {
            return known;
        }
        TextStates states = encode(0, chunks.get(0), clipSkip, count);
        int width = networks.text(0).width();
        for (int encoder = 1; encoder < tokenizers.size(); encoder++) {
            TextStates next = encode(encoder, chunks.get(encoder), clipSkip, count);
            int nextWidth = networks.text(encoder).width();
            states = new TextStates(beside(states.hidden(), width, next.hidden(), nextWidth), next.pooled());
            width += nextWidth;
        }
        remember(key, states);
        return states;
    }

    private void remember(Key key, TextStates states) {
        remembered.put(key, states);
        rememberedFloats += states.hidden().length;
        Iterator<TextStates> eldest = remembered.values().iterator();
        while (rememberedFloats > REMEMBERED_FLOATS && remembered.size() > 1) {
            rememberedFloats -= eldest.next().hidden().length;
            eldest.remove();
        }
    }

    /** {@code [count · tokens, width]} of one encoder, and the first chunk's pooled state. */
    private TextStates encode(int encoder, List<Chunk> chunks, int clipSkip, int count) {
        ClipTokenizer tokenizer = tokenizers.get(encoder);
        int width = networks.text(encoder).width();
        float[] hidden = new float[count * tokenizer.maxLength() * width];
        float[] weights = new float[count * tokenizer.maxLength()];
        Arrays.fill(weights, 1);
        float[] pooled = null;
        for (int i = 0; i < count; i++) {
            Chunk chunk = i < chunks.size() ? chunks.get(i) : new Chunk(new long[0], new float[0]);
            TextStates states = networks.encodeText(encoder, tokenizer.wrap(chunk.ids), clipSkip);
            System.arraycopy(states.hidden(), 0, hidden, i * states.hidden().length, states.hidden().length);
            System.arraycopy(chunk.weights, 0, weights, i * tokenizer.maxLength() + 1, chunk.weights.length);
            pooled = i == 0 ? states.pooled() : pooled;
        }
        weigh(hidden, weights, width);
        return new TextStates(hidden, pooled);
    }

    /** Multiplies every row by its weight, then all of them by one number that brings the mean back. */
    private static void weigh(float[] hidden, float[] weights, int width) {
        boolean plain = true;
        for (float weight : weights) {
            plain &= weight == 1;
        }
        if (plain) {
            return;
        }
        double before = sum(hidden);
        for (int k = 0; k < hidden.length; k++) {
            hidden[k] *= weights[k / width];
        }
        float restoring = (float) (before / sum(hidden));
        for (int k = 0; k < hidden.length; k++) {
            hidden[k] *= restoring;
        }
    }

    private static double sum(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }

    /** {@code [tokens, m]} and {@code [tokens, n]} → {@code [tokens, m + n]}. */
    private static float[] beside(float[] a, int m, float[] b, int n) {
        float[] both = new float[a.length + b.length];
        for (int row = 0; row < a.length / m; row++) {
            System.arraycopy(a, row * m, both, row * (m + n), m);
            System.arraycopy(b, row * n, both, row * (m + n) + m, n);
        }
        return both;
    }

    @Override
    public void close() {
        tokenizers.forEach(ClipTokenizer::close);
    }
}
