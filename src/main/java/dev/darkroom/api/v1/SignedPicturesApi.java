package dev.darkroom.api.v1;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;

/** Signed URLs of pictures as the OpenAPI document and Spring MVC read them. */
@Tag(name = "Jobs")
interface SignedPicturesApi {

    @GetMapping(SignedPictures.PATHS + "{token}/{file}")
    @Operation(
            operationId = "getSignedImage",
            summary = "A finished picture, by a signed URL",
            description =
                    "Needs no credentials: response_format url in OpenAI's shape gives such URLs, each good for an"
                            + " hour. The kind of file is what the URL ends in.")
    @ApiResponse(
            responseCode = "200",
            description = "The picture; it never changes",
            content = {
                @Content(mediaType = MediaType.IMAGE_PNG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = MediaType.IMAGE_JPEG_VALUE, schema = @Schema(type = "string", format = "binary")),
                @Content(mediaType = "image/webp", schema = @Schema(type = "string", format = "binary"))
            })
    @ApiResponse(responseCode = "206", description = "The part that Range asks for", content = @Content)
    @ApiResponse(responseCode = "304", description = "The client has it already", content = @Content)
    ResponseEntity<Object> get(
            @Parameter(description = "End of its life and signature") @PathVariable String token,
            @Parameter(description = "The job's id, the picture's number and the ending of its format") @PathVariable
                    String file,
            @Parameter(hidden = true) HttpMethod method,
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers);
}
