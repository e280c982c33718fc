package dev.darkroom.request;

import static dev.darkroom.request.Checks.or;
import static dev.darkroom.request.InvalidRequest.outOfRange;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.request.InvalidRequest.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How strongly the prompt steers.
 *
 * @param scale classifier-free guidance scale (Ho and Salimans 2022), 1 (off) to {@value #MAX_SCALE}
 * @param rescale φ of Lin et al. 2024, section 3.4: how far the guided prediction is drawn back to the standard
 *     deviation of the unguided one, 0 (not) to 1; only with guidance
 */
public record Guidance(
        @JsonProperty("guidanceScale") double scale,
        @JsonProperty("guidanceRescale") double rescale) {

    public static final int MAX_SCALE = 30;

    static final Map<String, Object> ABSENT = Map.of("guidanceRescale", 0);

    /** @throws InvalidRequest naming every field that is out of bounds */
    public Guidance {
        List<Violation> wrong = new ArrayList<>();
        if (scale >= 0 && scale < 1) {
            wrong.add(new Violation(
                    "guidance_scale",
                    Rule.OUT_OF_RANGE,
                    "guidance_scale must be between 1 and " + MAX_SCALE + "; given: " + scale
                            + "; write 1 for no guidance"));
        } else if (!(scale >= 1 && scale <= MAX_SCALE)) {
            wrong.add(outOfRange("guidance_scale", 1, MAX_SCALE, scale));
        }
        if (!(rescale >= 0 && rescale <= 1)) {
            wrong.add(outOfRange("guidance_rescale", 0, 1, rescale));
        } else if (rescale > 0 && scale == 1) {
            wrong.add(new Violation(
                    "guidance_rescale",
                    Rule.NEEDS_GUIDANCE,
                    "guidance_rescale must be 0 where guidance_scale is 1; given: " + rescale));
        }
        InvalidRequest.throwIfAny(wrong);
    }

    static Guidance of(Draft draft, ModelInfo info) {
        return new Guidance(or(draft.guidanceScale(), info.guidanceScale()), or(draft.guidanceRescale(), 0.0));
    }
}
