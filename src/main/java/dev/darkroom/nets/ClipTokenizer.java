package dev.darkroom.nets;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.LongStream;
import tools.jackson.databind.node.ObjectNode;

/**
 * CLIP's byte-level byte-pair encoding (Radford et al. 2021, section 2.4), from a diffusers {@code tokenizer} folder. The
 * ids are those of transformers' {@code CLIPTokenizerFast} (4.57.6, {@code convert_slow_tokenizer.py}, CLIPConverter).
 * Its slower {@code CLIPTokenizer} differs where it first repairs the text: with Python's ftfy installed it straightens
 * curly quotes and replaces HTML entities, ligatures and full-width letters, without ftfy it sets Chinese characters apart.
 * Safe for several threads.
 */
public final class ClipTokenizer implements AutoCloseable {

    private static final int DEFAULT_MAX_LENGTH = 77;
    private static final long[] NONE = {};

    private final HuggingFaceTokenizer tokenizer;
    private final int maxLength;
    private final long vocabSize;
    private final long bos;
    private final long eos;
    private final long pad;
    private final Map<Long, long[]> followers;

    /**
     * Loads a checked folder.
     *
     * @param maxLength of every encoded text, 3 or more
     */
    ClipTokenizer(TokenizerFolder folder, int maxLength) {
        this.tokenizer = load(folder.definition());
        this.maxLength = maxLength;
        this.vocabSize = folder.vocabSize();
        this.bos = folder.bos();
        this.eos = folder.eos();
        this.pad = folder.pad();
        this.followers = folder.followers();
    }

    /**
     * Reads a folder, see {@link TokenizerFolder#read}; where it does not say how long a text may be, it is 77 tokens.
     *
     * @throws dev.darkroom.weights.InvalidCheckpoint if a file is missing or wrong
     */
    public static ClipTokenizer open(Path folder) {
        TokenizerFolder files = TokenizerFolder.read(folder);
        return files.load(files.maxLength(DEFAULT_MAX_LENGTH));
    }

    private static HuggingFaceTokenizer load(ObjectNode definition) {
        byte[] json = definition.toString().getBytes(StandardCharsets.UTF_8);
        try {
            // Special tokens, truncation and padding are ours: the same few lines for every definition.
            return HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(json),
                    Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
        } catch (IOException e) {
            throw new UncheckedIOException("the tokenizer's native library cannot be loaded: " + e.getMessage(), e);
        }
    }

    /**
     * Beginning token, the text's tokens as far as they fit, end token, padding.
     *
     * @return exactly {@link #maxLength()} ids
     */
    public long[] encode(String text) {
        long[] ids = ids(text);
        return ids.length <= capacity() ? wrap(ids) : wrap(Arrays.copyOf(ids, capacity()));
    }

    /**
     * The text's tokens, all of them, without beginning and end. An added token that stands for several ({@code <cat>},
     * {@code <cat>_1}, …: textual inversion with several vectors) brings the others along, as diffusers' {@code
     * maybe_convert_prompt} does.
     */
    public long[] ids(String text) {
        long[] ids = tokenizer.encode(text, false, false).getIds();
        if (followers.isEmpty()) {
            return ids;
        }
        return Arrays.stream(ids)
                .flatMap(id -> LongStream.concat(LongStream.of(id), Arrays.stream(followers.getOrDefault(id, NONE))))
                .toArray();
    }

    /**
     * Beginning token, these tokens, end token, padding.
     *
     * @param ids at most {@link #capacity()}
     * @return exactly {@link #maxLength()} ids
     */
    public long[] wrap(long[] ids) {
        if (ids.length > capacity()) {
            throw new IllegalArgumentException(ids.length + " tokens, of which at most " + capacity() + " fit");
        }
        long[] padded = new long[maxLength];
        Arrays.fill(padded, pad);
        padded[0] = bos;
        System.arraycopy(ids, 0, padded, 1, ids.length);
        padded[ids.length + 1] = eos;
        return padded;
    }

    /** How many of a text's tokens fit between beginning and end, 75 for CLIP. */
    public int capacity() {
        return maxLength - 2;
    }

    /** Length of every encoded text, 77 for CLIP. */
    public int maxLength() {
        return maxLength;
    }

    /** One more than the largest id: what the text encoder's embedding must have. */
    public long vocabSize() {
        return vocabSize;
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
