package dev.darkroom.request;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a request costs a device. This is the one place that knows: the batch, the order of jobs, forecasts and limits ask here.
 *
 * @param pictures how many pictures there are
 * @param rows U-Net rows a picture has in a call: two with classifier-free guidance, unless the network takes the guidance
 *     scale as an input
 * @param evaluations U-Net evaluations a row takes; second-order samplers take more than they have steps
 * @param chunks chunks of 75 tokens that the longer prompt has at least; only the model's tokenizer knows the number
 * @param pixels of a picture
 */
public record Cost(int pictures, int rows, int evaluations, int chunks, int pixels) {

    /** A prompt has at most so many chunks: each makes cross-attention longer for every step of every picture. */
    public static final int MAX_CHUNKS = 16;

    /** Tokens of a chunk. */
    private static final int CHUNK = 75;

    /** A picture of this many pixels has length 1 a U-Net evaluation: 8 × 8, one latent of the usual VAE. */
    private static final int PIXELS = 64;

    /** Measured with the built-in model: so many further chunks cost as much as all the rest of a U-Net evaluation. */
    private static final int CHUNKS_OF_AN_EVALUATION = 28;

    private static final Pattern BREAK = Pattern.compile("\\bBREAK\\b", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern WORD = Pattern.compile("\\p{L}+");

    /** @param guidanceEmbedded as {@link ModelInfo#guidanceEmbedded} */
    public static Cost of(Request request, boolean guidanceEmbedded) {
        int rows = rows(request, guidanceEmbedded);
        int chunks = chunks(request.prompt().text());
        return new Cost(
                request.seeds().count(),
                rows,
                request.sampling().sampler().evaluations(request.sampling().steps()),
                rows == 1 ? chunks : Math.max(chunks, chunks(request.prompt().negative())),
                request.size().width() * request.size().height());
    }

    /** @param guidanceEmbedded whether the network takes the guidance scale as an input */
    public static int rows(Request request, boolean guidanceEmbedded) {
        return request.guidance().scale() > 1 && !guidanceEmbedded ? 2 : 1;
    }

    /**
     * So many chunks a prompt has at least: {@code BREAK} begins one, and a word is one token or more. Weights in brackets are
     * numbers and so not counted.
     */
    static int chunks(String prompt) {
        int chunks = 0;
        int from = 0;
        Matcher end = BREAK.matcher(prompt);
        while (end.find()) {
            chunks += chunksOfWords(prompt.substring(from, end.start()));
            from = end.end();
        }
        return chunks + chunksOfWords(prompt.substring(from));
    }

    private static int chunksOfWords(String text) {
        long words = WORD.matcher(text).results().count();
        return Math.max(1, (int) ((words + CHUNK - 1) / CHUNK));
    }

    /** U-Net evaluations of one row, of all pictures together. */
    public long work() {
        return (long) pictures * rows * evaluations;
    }

    /** The device's time that it takes, in no unit: work times size and prompt. */
    public long length() {
        return work() * Math.max(1, pixels / PIXELS) * (CHUNKS_OF_AN_EVALUATION - 1 + chunks) / CHUNKS_OF_AN_EVALUATION;
    }
}
