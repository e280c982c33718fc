package dev.darkroom.api.openai;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.darkroom.api.v1.ImageRequest;
import dev.darkroom.request.Draft;
import dev.darkroom.request.InvalidRequest.Violation;
import dev.darkroom.request.JobOptions;
import dev.darkroom.request.Rule;
import dev.darkroom.request.Run;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.Size;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The body of {@code POST /v1/images/generations}, after the types of OpenAI's own clients (openai-python 3.57.0, {@code
 * types/image_generate_params.py}), with ours, as other servers of that shape have theirs. What asks for nothing else than we do
 * anyway is accepted; what we do not do is refused by name.
 *
 * @param ours the fields that have the same names and meanings as in {@link ImageRequest}
 */
@Schema(description = "What to draw, in OpenAI's shape. Unknown fields are refused.")
record OpenAiImageRequest(
        @JsonUnwrapped @JsonIgnoreProperties({"model", "width", "height", "steps", "previews"})
        Draft ours,

        @Schema(
                description = "A model's id from /v1/models; default: the first one there. Names of OpenAI's models"
                        + " stand for the one that darkroom.openai-model names")
        @JsonProperty("model")
        @Nullable
        String model,

        @Schema(
                description = "Width and height in pixels, or auto: the model's own size, the default. What the model"
                        + " does not draw becomes the nearest size that it does: the answer's size and requested_size"
                        + " say so (or is refused, as darkroom.nearest-size says)",
                pattern = "^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})$",
                example = "64x64")
        @JsonProperty("size")
        @Nullable
        String size,

        @Schema(
                description =
                        "The pictures themselves, or where they are to be had for an hour; default: url for models"
                                + " named dall-e-…, otherwise b64_json. With stream, only b64_json",
                allowableValues = {"b64_json", "url"})
        @JsonProperty("response_format")
        @Nullable
        String responseFormat,

        @Schema(description = "Whether the answer is a stream of server-sent events; default false. Only with n 1")
        @JsonProperty("stream")
        @Nullable
        Boolean stream,

        @Schema(
                description = "How many previews the stream has; default 0. Only with stream",
                minimum = "0",
                maximum = "" + Run.MAX_PREVIEWS)
        @JsonProperty("partial_images")
        @Nullable
        Integer partialImages,

        @Schema(
                description = "Pictures are always opaque",
                allowableValues = {"auto", "opaque"})
        @JsonProperty("background")
        @Nullable
        String background,

        @Schema(
                description = "Nothing is moderated",
                allowableValues = {"auto", "low"})
        @JsonProperty("moderation")
        @Nullable
        String moderation,

        @Schema(
                description = "Accepted and not used: there are no levels; num_inference_steps says how long to draw",
                allowableValues = {"auto", "standard", "hd", "low", "medium", "high"})
        @JsonProperty("quality")
        @Nullable
        String quality,

        @Schema(
                description = "Accepted and not used: the prompt says what it looks like",
                allowableValues = {"vivid", "natural"})
        @JsonProperty("style")
        @Nullable
        String style,

        @Schema(description = "Accepted and not used") @JsonProperty("user") @Nullable
        String user,

        @Schema(description = "Accepted and not used") @JsonProperty("safety_identifier") @Nullable
        String safetyIdentifier,

        @Schema(
                description = "Sampling steps; the model has the default",
                minimum = "1",
                maximum = "" + Sampling.MAX_STEPS)
        @JsonProperty("num_inference_steps")
        @Nullable
        Integer numInferenceSteps,

        @Schema(
                description = "Share of the devices while other jobs wait as well: low 1, normal 4, high 16; default"
                        + " normal. Within one priority callers take turns",
                allowableValues = {"low", "normal", "high"})
        @JsonProperty("priority")
        @Nullable
        String priority,

        @Schema(
                description = "Seconds within which the pictures must be there; default " + MAX_SECONDS,
                minimum = "1",
                maximum = "" + MAX_SECONDS)
        @JsonProperty("expires_in")
        @Nullable
        Integer expiresIn) {

    /** As long as OpenAI's clients wait that are not told otherwise. */
    static final int MAX_SECONDS = 600;

    /** As {@link dev.darkroom.api.v1.Idempotency} wants them. */
    static final List<String> FIRST_FIELDS = List.of(
            "prompt",
            "model",
            "n",
            "size",
            "output_format",
            "output_compression",
            "response_format",
            "stream",
            "partial_images",
            "background",
            "moderation",
            "quality",
            "user",
            "safety_identifier",
            "negative_prompt",
            "num_inference_steps",
            "guidance_scale",
            "seed",
            "sampler",
            "schedule",
            "timesteps",
            "sigmas",
            "guidance_rescale",
            "clip_skip",
            "determinism",
            "priority",
            "expires_in");

    private static final Pattern SIZE = Pattern.compile("([1-9][0-9]{0,4})x([1-9][0-9]{0,4})");

    /** What OpenAI calls its models; clients have such names built in. */
    private static final Pattern NAMED_BY_OPENAI = Pattern.compile("(dall-e|gpt-image|chatgpt-image)-.+");

    boolean streams() {
        return Boolean.TRUE.equals(stream);
    }

    /** What OpenAI's own models answer with: clients of those that had URLs look for nothing else. */
    boolean wantsUrls() {
        return responseFormat == null
                ? !streams() && model != null && model.startsWith("dall-e-")
                : responseFormat.equals("url");
    }

    /** Null for the default model. */
    @Nullable
    String wantedModel() {
        return model == null || model.isEmpty() ? null : model;
    }

    boolean namesOpenAisModel() {
        return model != null && NAMED_BY_OPENAI.matcher(model).matches();
    }

    /** The size that is said, whatever the model draws. */
    Optional<Size> wantedSize() {
        Matcher pixels = SIZE.matcher(Objects.requireNonNullElse(size, "auto"));
        return pixels.matches()
                ? Optional.of(new Size(Integer.parseInt(pixels.group(1)), Integer.parseInt(pixels.group(2))))
                : Optional.empty();
    }

    /** What is wrong by itself, whatever the model. */
    List<Violation> violations() {
        List<Violation> wrong = new ArrayList<>();
        oneOf(wrong, "response_format", responseFormat, "b64_json", "url");
        oneOf(wrong, "background", background, "auto", "opaque");
        oneOf(wrong, "moderation", moderation, "auto", "low");
        oneOf(wrong, "quality", quality, "auto", "standard", "hd", "low", "medium", "high");
        oneOf(wrong, "style", style, "vivid", "natural");
        if (size != null && !size.equals("auto") && !SIZE.matcher(size).matches()) {
            wrong.add(new Violation(
                    "size", Rule.MALFORMED, "size must be auto or like 512x512; given: \"" + size + "\""));
        }
        if (streams() && wantsUrls()) {
            wrong.add(notWithStream("response_format must be b64_json", "response_format"));
        }
        if (streams() && ours.n() != null && ours.n() > 1) {
            wrong.add(notWithStream("n must be 1", "n"));
        }
        if (!streams() && partialImages != null && partialImages != 0) {
            wrong.add(new Violation(
                    "partial_images", Rule.NEEDS_STREAM, "partial_images must be left out or 0 without stream"));
        }
        if (expiresIn != null && expiresIn > MAX_SECONDS) {
            wrong.add(new Violation(
                    "expires_in",
                    Rule.OUT_OF_RANGE,
                    "expires_in must be between 1 and " + MAX_SECONDS + "; given: " + expiresIn));
        }
        return wrong;
    }

    Draft draft() {
        Map<String, Object> fields = ours.fields();
        wantedSize().ifPresent(wanted -> {
            fields.put("width", wanted.width());
            fields.put("height", wanted.height());
        });
        fields.put("steps", numInferenceSteps);
        fields.put("previews", partialImages);
        return Draft.of(fields);
    }

    /** A job that nobody can ask for later need not go on for ever. */
    JobOptions options() {
        return JobOptions.of(priority, Objects.requireNonNullElse(expiresIn, MAX_SECONDS));
    }

    private static void oneOf(List<Violation> wrong, String field, @Nullable String given, String... known) {
        if (given != null && !List.of(known).contains(given)) {
            wrong.add(new Violation(
                    field,
                    Rule.UNSUPPORTED_VALUE,
                    field + " must be left out or one of " + String.join(", ", known) + "; given: \"" + given + "\""));
        }
    }

    private static Violation notWithStream(String rule, String field) {
        return new Violation(field, Rule.NOT_WITH_STREAM, rule + " with stream");
    }
}
