package dev.darkroom.api.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The answer of {@code POST /v1/images/generations}: openai-python 3.57.0, {@code types/images_response.py}. */
@Schema(name = "OpenAiImages", description = "Pictures in OpenAI's shape")
public record OpenAiImages(
        @Schema(description = "Seconds since 1970") @JsonProperty("created")
        long created,

        @Schema(description = "The pictures in order") @JsonProperty("data")
        List<Image> data,

        @Schema(description = "Pictures are always opaque", allowableValues = "opaque") @JsonProperty("background")
        String background,

        @Schema(
                description = "The kind of file",
                allowableValues = {"png", "jpeg", "webp"})
        @JsonProperty("output_format")
        String outputFormat,

        @Schema(description = "Width and height in pixels", example = "64x64") @JsonProperty("size")
        String size,

        @Schema(
                description =
                        "The size that was asked for, if the model does not draw it and the nearest one was drawn;"
                                + " not OpenAI's",
                example = "1024x1024")
        @JsonInclude(JsonInclude.Include.NON_NULL)
        @JsonProperty("requested_size")
        @Nullable
        String requestedSize) {

    /** One picture. */
    @Schema(name = "OpenAiImage", description = "The file in base 64, or where it is to be had")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Image(
            @Schema(description = "The file in base 64, unless URLs were asked for", format = "byte")
            @JsonProperty("b64_json")
            byte @Nullable [] content,

            @Schema(description = "Where the file is to be had, if URLs were asked for", format = "uri")
            @JsonProperty("url")
            @Nullable
            String url,

            @Schema(description = "Draws this picture again; not OpenAI's") @JsonProperty("seed")
            long seed) {}

    /** A preview in the stream: {@code types/image_gen_partial_image_event.py}. */
    @Schema(name = "OpenAiPartialImage", description = "A small preview, data of the event of this type")
    record Partial(
            @Schema(description = "The event's name", allowableValues = PARTIAL_TYPE) @JsonProperty("type")
            String type,

            @Schema(description = "JPEG", format = "byte") @JsonProperty("b64_json")
            byte[] content,

            @Schema(description = "From 0") @JsonProperty("partial_image_index")
            int index,

            @Schema(description = "Seconds since 1970") @JsonProperty("created_at")
            long createdAt,

            @Schema(description = "Of the finished picture") @JsonProperty("size")
            String size,

            @Schema(description = "There are no levels", allowableValues = "auto") @JsonProperty("quality")
            String quality,

            @Schema(description = "Pictures are always opaque", allowableValues = "opaque") @JsonProperty("background")
            String background,

            @Schema(description = "Of this preview", allowableValues = "jpeg") @JsonProperty("output_format")
            String outputFormat) {}

    /** The picture in the stream: {@code types/image_gen_completed_event.py}. */
    @Schema(name = "OpenAiCompletedImage", description = "The picture, data of the event of this type")
    record Completed(
            @Schema(description = "The event's name", allowableValues = COMPLETED_TYPE) @JsonProperty("type")
            String type,

            @Schema(description = "The file in base 64", format = "byte") @JsonProperty("b64_json")
            byte[] content,

            @Schema(description = "Seconds since 1970") @JsonProperty("created_at")
            long createdAt,

            @Schema(description = "Width and height in pixels") @JsonProperty("size")
            String size,

            @Schema(description = "There are no levels", allowableValues = "auto") @JsonProperty("quality")
            String quality,

            @Schema(description = "Pictures are always opaque", allowableValues = "opaque") @JsonProperty("background")
            String background,

            @Schema(
                    description = "The kind of file",
                    allowableValues = {"png", "jpeg", "webp"})
            @JsonProperty("output_format")
            String outputFormat,

            @Schema(description = "Draws this picture again; not OpenAI's") @JsonProperty("seed")
            long seed,

            @Schema(description = "For types that expect it") @JsonProperty("usage")
            Usage usage) {}

    /** OpenAI's clients have it in the type of the last event. Nothing is paid for by the token here: all are 0. */
    @Schema(name = "OpenAiUsage", description = "Nothing is paid for by the token: all are 0")
    record Usage(
            @Schema(description = "0") @JsonProperty("input_tokens")
            int input,

            @Schema(description = "All 0") @JsonProperty("input_tokens_details")
            Details details,

            @Schema(description = "0") @JsonProperty("output_tokens")
            int output,

            @Schema(description = "0") @JsonProperty("total_tokens")
            int total) {

        static final Usage NONE = new Usage(0, new Details(0, 0), 0, 0);

        /** Tokens of the input. */
        @Schema(name = "OpenAiUsageDetails", description = "Tokens of the input: 0")
        record Details(
                @Schema(description = "0") @JsonProperty("image_tokens")
                int image,

                @Schema(description = "0") @JsonProperty("text_tokens")
                int text) {}
    }

    static final String PARTIAL_TYPE = "image_generation.partial_image";
    static final String COMPLETED_TYPE = "image_generation.completed";
    static final String OPAQUE = "opaque";
    static final String AUTO = "auto";
}
