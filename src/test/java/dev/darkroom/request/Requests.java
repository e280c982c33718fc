package dev.darkroom.request;

import java.util.Map;
import java.util.Set;

/** Requests as clients make them, of a model that draws anything. */
public final class Requests {

    private Requests() {}

    /** What {@code fields} do not say has no effect; they are euler, 20 steps, 64 × 64, exact and without guidance. */
    public static Request of(String model, Map<String, ?> fields) {
        return Request.of(
                Draft.of(fields),
                new ModelInfo(
                        model,
                        "draws anything",
                        64,
                        64,
                        Size.MIN,
                        Size.MAX,
                        Size.MULTIPLE,
                        20,
                        1,
                        SamplerKind.EULER,
                        SigmaSpacing.DEFAULT,
                        Determinism.EXACT,
                        "epsilon",
                        1000,
                        50,
                        Prompt.MAX_CLIP_SKIP,
                        false,
                        1,
                        Set.of()));
    }
}
