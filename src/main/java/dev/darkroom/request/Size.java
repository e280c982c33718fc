package dev.darkroom.request;

import static dev.darkroom.request.Checks.or;
import static dev.darkroom.request.InvalidRequest.outOfRange;

import dev.darkroom.request.InvalidRequest.Violation;
import java.util.ArrayList;
import java.util.List;

/**
 * Width and height of a picture; what is asked for may be of any size, and what is drawn is {@value #MIN} to {@value #MAX} pixels
 * wide and high, multiples of {@value #MULTIPLE}.
 *
 * @param width pixels
 * @param height pixels
 */
public record Size(int width, int height) {

    public static final int MIN = 8;
    public static final int MAX = 2048;
    public static final int MULTIPLE = 4;

    static Size of(Draft draft, ModelInfo info) {
        Size size = new Size(or(draft.width(), info.width()), or(draft.height(), info.height()));
        size.check(info.minSize(), info.maxSize(), info.sizeMultiple());
        return size;
    }

    /** @throws InvalidRequest if it cannot be drawn, naming the sides that are wrong */
    void check(int min, int max, int multiple) {
        List<Violation> wrong = new ArrayList<>();
        check(wrong, "width", width, min, max, multiple);
        check(wrong, "height", height, min, max, multiple);
        InvalidRequest.throwIfAny(wrong);
    }

    private static void check(List<Violation> wrong, String field, int side, int min, int max, int multiple) {
        if (side < min || side > max) {
            wrong.add(outOfRange(field, min, max, side));
        } else if (side % multiple != 0) {
            wrong.add(new Violation(
                    field, Rule.NOT_A_MULTIPLE, field + " must be a multiple of " + multiple + "; given: " + side));
        }
    }

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
