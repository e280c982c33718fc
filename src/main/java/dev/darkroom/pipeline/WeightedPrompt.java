package dev.darkroom.pipeline;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A prompt taken apart by AUTOMATIC1111's syntax: {@code (x)} weighs x 1.1 times as much, {@code [x]} 1.1 times less,
 * {@code (x:1.3)} 1.3 times as much; nested brackets multiply; a backslash before a bracket or a backslash makes it text; {@code
 * BREAK} ends a chunk. Everything is a prompt: a bracket that is never closed lasts to the end, one that was never opened
 * is text, and so is what is not a number after a colon, whose bracket then weighs 1.1.
 *
 * <p>Reference: diffusers {@code examples/community/lpw_stable_diffusion.py}, {@code parse_prompt_attention}; from
 * stable-diffusion-webui's {@code modules/prompt_parser.py} BREAK and spaces around a weight. Its schedules ({@code [a:b:0.5]})
 * and {@code AND} are not known here.
 *
 * @param pieces in order, at least one; neighbours differ in weight unless the second starts a chunk
 */
record WeightedPrompt(List<Piece> pieces) {
    /** Weights are kept within ±{@value}: more changes nothing but the danger that numbers overflow. */
    static final double MAX_WEIGHT = 1000;

    private static final double BRACKET = 1.1;
    private static final Pattern TOKEN = Pattern.compile("\\\\[()\\[\\]\\\\]?|[(\\[]"
            + "|:\\s*(?<weight>[+-]?(?:\\d+\\.?\\d*|\\.\\d+))\\s*\\)"
            + "|[)\\]:]|[^\\\\()\\[\\]:]+");
    private static final Pattern BREAK = Pattern.compile("\\s*\\bBREAK\\b\\s*", Pattern.UNICODE_CHARACTER_CLASS);

    /**
     * @param weight what the hidden states of the text are multiplied by
     * @param startsChunk whether BREAK stands before it
     */
    record Piece(String text, double weight, boolean startsChunk) {
        private Piece times(double factor) {
            double product = Math.max(-MAX_WEIGHT, Math.min(MAX_WEIGHT, weight * factor));
            return new Piece(text, product, startsChunk);
        }
    }

    static WeightedPrompt parse(String text) {
        List<Piece> pieces = new ArrayList<>();
        Deque<Integer> round = new ArrayDeque<>();
        Deque<Integer> square = new ArrayDeque<>();
        Matcher token = TOKEN.matcher(text);
        while (token.find()) {
            String found = token.group();
            String weight = token.group("weight");
            if (found.startsWith("\\")) {
                pieces.add(new Piece(found.substring(1), 1, false));
            } else if (found.equals("(")) {
                round.push(pieces.size());
            } else if (found.equals("[")) {
                square.push(pieces.size());
            } else if (weight != null && !round.isEmpty()) {
                multiply(pieces, round.pop(), Double.parseDouble(weight));
            } else if (found.equals(")") && !round.isEmpty()) {
                multiply(pieces, round.pop(), BRACKET);
            } else if (found.equals("]") && !square.isEmpty()) {
                multiply(pieces, square.pop(), 1 / BRACKET);
            } else {
                String[] parts = BREAK.split(found, -1);
                for (int i = 0; i < parts.length; i++) {
                    pieces.add(new Piece(parts[i], 1, i > 0));
                }
            }
        }
        round.descendingIterator().forEachRemaining(start -> multiply(pieces, start, BRACKET));
        square.descendingIterator().forEachRemaining(start -> multiply(pieces, start, 1 / BRACKET));
        return new WeightedPrompt(joined(pieces));
    }

    private static void multiply(List<Piece> pieces, int from, double factor) {
        pieces.subList(from, pieces.size()).replaceAll(piece -> piece.times(factor));
    }

    private static List<Piece> joined(List<Piece> pieces) {
        List<Piece> joined = new ArrayList<>();
        for (Piece piece : pieces) {
            int last = joined.size() - 1;
            if (last >= 0 && joined.get(last).weight == piece.weight && !piece.startsChunk) {
                Piece before = joined.get(last);
                joined.set(last, new Piece(before.text + piece.text, before.weight, before.startsChunk));
            } else {
                joined.add(piece);
            }
        }
        return joined.isEmpty() ? List.of(new Piece("", 1, false)) : List.copyOf(joined);
    }
}
