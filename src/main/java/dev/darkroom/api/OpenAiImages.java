package dev.darkroom.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The answer of {@code POST /v1/images/generations}: openai-python 3.57.0, {@code types/images_response.py}. */
@Schema(name = "OpenAiImages", description = "Pictures in OpenAI's shape")
record OpenAiImages(
        @Schema(description = "Seconds since 1970") @JsonProperty("created")
        long created,

        @JsonProperty("data") List<Image> data,

        @Schema(allowableValues = "opaque") @JsonProperty("background")
        String background,

        @Schema(allowableValues = {"png", "jpeg", "webp"}) @JsonProperty("output_format")
        String outputFormat,

        @Schema(description = "Width and height in pixels", example = "64x64") @JsonProperty("size")
        String size) {

    /** One picture. */
    @Schema(name = "OpenAiImage", description = "The file in base 64, or where it is to be had")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Image(
            @Schema(format = "byte") @JsonProperty("b64_json")
            byte @Nullable [] content,

            @Schema(format = "uri") @JsonProperty("url") @Nullable
            String url,

            @Schema(description = "Draws this picture again; not OpenAI's") @JsonProperty("seed")
            long seed) {}

    /** A preview in the stream: {@code types/image_gen_partial_image_event.py}. */
    @Schema(name = "OpenAiPartialImage", description = "A small preview, data of the event of this type")
    record Partial(
            @Schema(allowableValues = PARTIAL_TYPE) @JsonProperty("type")
            String type,

            @Schema(description = "JPEG", format = "byte") @JsonProperty("b64_json")
            byte[] content,

            @Schema(description = "From 0") @JsonProperty("partial_image_index")
            int index,

            @Schema(description = "Seconds since 1970") @JsonProperty("created_at")
            long createdAt,

            @Schema(description = "Of the finished picture") @JsonProperty("size")
            String size,

            @Schema(allowableValues = "auto") @JsonProperty("quality")
            String quality,

            @Schema(allowableValues = "opaque") @JsonProperty("background")
            String background,

            @Schema(description = "Of this preview", allowableValues = "jpeg") @JsonProperty("output_format")
            String outputFormat) {}

    /** The picture in the stream: {@code types/image_gen_completed_event.py}. */
    @Schema(name = "OpenAiCompletedImage", description = "The picture, data of the event of this type")
    record Completed(
            @Schema(allowableValues = COMPLETED_TYPE) @JsonProperty("type")
            String type,

            @Schema(format = "byte") @JsonProperty("b64_json")
            byte[] content,

            @Schema(description = "Seconds since 1970") @JsonProperty("created_at")
            long createdAt,

            @JsonProperty("size") String size,

            @Schema(allowableValues = "auto") @JsonProperty("quality")
            String quality,

            @Schema(allowableValues = "opaque") @JsonProperty("background")
            String background,

            @Schema(allowableValues = {"png", "jpeg", "webp"}) @JsonProperty("output_format")
            String outputFormat,

            @Schema(description = "Draws this picture again; not OpenAI's") @JsonProperty("seed")
            long seed,

            @JsonProperty("usage") Usage usage) {}

    /** OpenAI's clients have it in the type of the last event. Nothing is paid for by the token here: all are 0. */
    @Schema(name = "OpenAiUsage", description = "Nothing is paid for by the token: all are 0")
    record Usage(
            @JsonProperty("input_tokens") int input,
            @JsonProperty("input_tokens_details") Details details,
            @JsonProperty("output_tokens") int output,
            @JsonProperty("total_tokens") int total) {

        static final Usage NONE = new Usage(0, new Details(0, 0), 0, 0);

        /** Tokens of the input. */
        @Schema(name = "OpenAiUsageDetails")
        record Details(
                @JsonProperty("image_tokens") int image,
                @JsonProperty("text_tokens") int text) {}
    }

    static final String PARTIAL_TYPE = "image_generation.partial_image";
    static final String COMPLETED_TYPE = "image_generation.completed";
    static final String OPAQUE = "opaque";
    static final String AUTO = "auto";
}
