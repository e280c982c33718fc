package dev.darkroom.request;

/**
 * Width and height of a picture.
 *
 * @param width pixels
 * @param height pixels
 */
public record Size(int width, int height) {

    /**
     * The nearest size that a model draws, in the same shape as far as its limits allow: what is too large is made smaller,
     * what is too small larger, by one factor for both sides; then each is rounded to the model's multiple.
     */
    public Size fitted(ModelInfo model) {
        int multiple = model.sizeMultiple();
        int least = (model.minSize() + multiple - 1) / multiple * multiple;
        int most = model.maxSize() / multiple * multiple;
        double factor = 1;
        if (Math.max(width, height) > most) {
            factor = (double) most / Math.max(width, height);
        } else if (Math.min(width, height) < least) {
            factor = (double) least / Math.max(1, Math.min(width, height));
        }
        return new Size(side(width * factor, least, most, multiple), side(height * factor, least, most, multiple));
    }

    private static int side(double pixels, int least, int most, int multiple) {
        return (int) Math.max(least, Math.min(most, Math.round(pixels / multiple) * multiple));
    }

    /** As OpenAI writes it: {@code 512x512}. */
    @Override
    public String toString() {
        return width + "x" + height;
    }
}
