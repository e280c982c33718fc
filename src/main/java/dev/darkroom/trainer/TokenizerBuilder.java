package dev.darkroom.trainer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Builds a tokenizer in the form CLIP's has (byte-level byte-pair encoding, Sennrich et al., "Neural Machine Translation of
 * Rare Words with Subword Units"; lower case, words closed by {@code </w>}) in which every given word is one token. Any other
 * word falls apart into pieces, down to single bytes.
 */
final class TokenizerBuilder {
    private static final String START = "<|startoftext|>";
    private static final String END = "<|endoftext|>";
    private static final String WORD_END = "</w>";
    /** CLIP's split of a text into words: contractions, letters, single digits, runs of other signs. */
    private static final Pattern WORD =
            Pattern.compile("'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\s\\p{L}\\p{N}]+", Pattern.CASE_INSENSITIVE);

    private static final String[] ALPHABET = alphabet();

    private final List<Merge> merges = new ArrayList<>();

    private record Merge(String left, String right) {
        String joined() {
            return left + right;
        }
    }

    /** Learns merges until every word of the texts is one token. */
    static TokenizerBuilder learn(Collection<String> texts) {
        TokenizerBuilder tokenizer = new TokenizerBuilder();
        Map<String, List<String>> pieces = new TreeMap<>();
        Map<String, Integer> counts = new HashMap<>();
        for (String text : texts) {
            for (String word : words(text)) {
                pieces.putIfAbsent(word, bytes(word));
                counts.merge(word, 1, Integer::sum);
            }
        }
        for (Merge next = mostFrequent(pieces, counts); next != null; next = mostFrequent(pieces, counts)) {
            Merge merge = next;
            tokenizer.merges.add(merge);
            pieces.replaceAll((word, parts) -> merged(parts, merge));
        }
        return tokenizer;
    }

    /** The tokens of a text, without start and end: always the earliest learnt merge first. */
    List<String> tokens(String text) {
        List<String> tokens = new ArrayList<>();
        for (String word : words(text)) {
            List<String> parts = bytes(word);
            for (Merge merge : merges) {
                parts = merged(parts, merge);
            }
            tokens.addAll(parts);
        }
        return tokens;
    }

    /** Token ids by token: the 256 bytes, the same closing a word, the merges as learnt, start, end. */
    Map<String, Integer> vocabulary() {
        List<String> tokens = new ArrayList<>(Arrays.asList(ALPHABET));
        tokens.sort(Comparator.naturalOrder()); // as CLIP: bytes that stand for themselves come first
        List<String> closing = tokens.stream().map(token -> token + WORD_END).toList();
        tokens.addAll(closing);
        merges.forEach(merge -> tokens.add(merge.joined()));
        tokens.add(START);
        tokens.add(END);
        Map<String, Integer> ids = new LinkedHashMap<>();
        tokens.forEach(token -> ids.putIfAbsent(token, ids.size()));
        return ids;
    }

    /**
     * Writes {@code vocab.json}, {@code merges.txt}, {@code special_tokens_map.json} and {@code tokenizer_config.json}.
     *
     * @param maxLength tokens a prompt is padded or cut to, start and end included
     */
    void write(Path folder, int maxLength) throws IOException {
        StringBuilder lines = new StringBuilder("#version: 0.2\n");
        merges.forEach(merge ->
                lines.append(merge.left).append(' ').append(merge.right).append('\n'));
        Map<String, String> special =
                new TreeMap<>(Map.of("bos_token", START, "eos_token", END, "unk_token", END, "pad_token", END));
        Map<String, Object> config = new LinkedHashMap<>(special);
        config.put("add_prefix_space", false);
        config.put("do_lower_case", true);
        config.put("errors", "replace");
        config.put("model_max_length", maxLength);
        config.put("tokenizer_class", "CLIPTokenizer");
        writeText(folder.resolve("merges.txt"), lines.toString());
        writeText(folder.resolve("vocab.json"), json(vocabulary()));
        writeText(folder.resolve("special_tokens_map.json"), json(special));
        writeText(folder.resolve("tokenizer_config.json"), json(config));
    }

    private static @Nullable Merge mostFrequent(Map<String, List<String>> pieces, Map<String, Integer> counts) {
        Map<Merge, Integer> pairs = new HashMap<>();
        pieces.forEach((word, parts) -> {
            for (int i = 0; i + 1 < parts.size(); i++) {
                pairs.merge(new Merge(parts.get(i), parts.get(i + 1)), counts.getOrDefault(word, 0), Integer::sum);
            }
        });
        return pairs.entrySet().stream()
                .max(Map.Entry.<Merge, Integer>comparingByValue()
                        .thenComparing(pair -> pair.getKey().left, Comparator.reverseOrder())
                        .thenComparing(pair -> pair.getKey().right, Comparator.reverseOrder()))
                .map(Map.Entry::getKey)
                .orElse(null);
    }

    private static List<String> merged(List<String> parts, Merge merge) {
        List<String> out = new ArrayList<>(parts.size());
        for (int i = 0; i < parts.size(); i++) {
            if (i + 1 < parts.size()
                    && parts.get(i).equals(merge.left)
                    && parts.get(i + 1).equals(merge.right)) {
                out.add(merge.joined());
                i++;
            } else {
                out.add(parts.get(i));
            }
        }
        return out;
    }

    private static List<String> words(String text) {
        return WORD.matcher(text.toLowerCase(Locale.ROOT))
                .results()
                .map(MatchResult::group)
                .toList();
    }

    /** The word's UTF-8 bytes as letters of the alphabet, the last one closing the word. */
    private static List<String> bytes(String word) {
        List<String> parts = new ArrayList<>();
        for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
            parts.add(ALPHABET[b & 0xff]);
        }
        parts.set(parts.size() - 1, parts.get(parts.size() - 1) + WORD_END);
        return parts;
    }

    /** A printable character for each byte: itself where Latin-1 prints it, else one from U+0100 on (as in GPT-2). */
    private static String[] alphabet() {
        String[] letters = new String[256];
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean prints = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
            letters[b] = Character.toString(prints ? b : next++);
        }
        return letters;
    }

    private static String json(Object value) {
        return JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n";
    }

    private static void writeText(Path file, String text) throws IOException {
        AtomicFiles.write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }
}
