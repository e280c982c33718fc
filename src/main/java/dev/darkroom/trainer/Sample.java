package dev.darkroom.trainer;

import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A captioned picture.
 *
 * @param colour what captions may call its main colour; null for none
 * @param recoloured whether it was redrawn in that colour
 * @param keywords words that go with it
 * @param use what it is for
 */
record Sample(
        Concept concept,
        Style style,
        @Nullable Colour colour,
        boolean recoloured,
        List<String> keywords,
        Use use,
        Icon picture) {

    enum Use {
        /** All networks learn from it. */
        LISTED,
        /** VAE and CLIP learn from it; the U-Net does not learn to draw it. */
        POOL,
        /** Nothing ever learns from it. */
        HELD_OUT
    }

    /** How often it is drawn in training, relative to the others: recolourings are learnt once and worn by all. */
    double weight() {
        return !recoloured ? 1 : style.ordinal() == 0 ? 0.5 : 0.2;
    }

    /** One of the many ways to ask for it. */
    String caption(Random random) {
        return captions().draw(random);
    }

    /** The plainest caption that means this picture and no other: "a blue car, noto style". */
    String title() {
        return captions().title();
    }

    private Captions captions() {
        return new Captions(concept, style, colour, recoloured, keywords);
    }
}
