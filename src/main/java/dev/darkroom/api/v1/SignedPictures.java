package dev.darkroom.api.v1;

import dev.darkroom.access.Signatures;
import dev.darkroom.api.http.Problem;
import dev.darkroom.api.who.SecurityConfiguration;
import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import dev.darkroom.request.OutputFormat;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/**
 * {@code /v1/pictures}: pictures for whoever has their address, which is signed and good for an hour, as OpenAI's are. The
 * signature is part of the path, so that the address ends like the name of a file: clients look at that.
 */
@RestController
@Tag(name = "Jobs")
public class SignedPictures {

    public static final String PATHS = SecurityConfiguration.SIGNED_PICTURES;

    static final Duration LIFETIME = Duration.ofHours(1);

    private static final Pattern TOKEN = Pattern.compile("([0-9]{1,11})-([A-Za-z0-9_-]{43})");
    private static final Pattern FILE = Pattern.compile("(job_[a-z0-9]{1,40})_([0-9]{1,4})\\.[a-z]{3,4}");

    private final Signatures signatures;
    private final Jobs jobs;
    private final Downloads downloads;
    private final InstantSource clock;

    SignedPictures(Signatures signatures, Jobs jobs, Downloads downloads, InstantSource clock) {
        this.signatures = signatures;
        this.jobs = jobs;
        this.downloads = downloads;
        this.clock = clock;
    }

    /** A new address of a picture in its job's format, relative to the server. */
    public String address(Job job, Job.Image image) {
        return address(job, image, clock.instant().plus(LIFETIME));
    }

    public String address(Job job, Job.Image image, Instant expires) {
        String file = job.id() + "_" + image.index() + "."
                + job.spec().output().format().extension();
        long seconds = expires.getEpochSecond();
        return PATHS + seconds + "-" + signatures.sign(signed(seconds, file)) + "/" + file;
    }

    @GetMapping(PATHS + "{token}/{file}")
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
            @Parameter(hidden = true) @RequestHeader HttpHeaders headers) {
        Matcher signed = TOKEN.matcher(token);
        Matcher name = FILE.matcher(file);
        if (!signed.matches()
                || !name.matches()
                || !signatures.isOf(signed(Long.parseLong(signed.group(1)), file), signed.group(2))) {
            throw new Problem(
                    Problem.Code.INVALID_SIGNATURE,
                    "the URL is not signed by this service; use it whole, as it was given");
        }
        Instant expires = Instant.ofEpochSecond(Long.parseLong(signed.group(1)));
        String id = name.group(1);
        int index = Integer.parseInt(name.group(2));
        if (!clock.instant().isBefore(expires)) {
            throw new Problem(
                    Problem.Code.URL_EXPIRED,
                    "the URL was good until " + expires + "; with credentials the picture is at "
                            + new JobUrls("").image(id, index));
        }
        Job job = jobs.find(id).orElseThrow(() -> Problem.jobNotFound(id));
        Optional<Job.Image> image =
                job.images().stream().filter(each -> each.index() == index).findFirst();
        OutputFormat format = job.spec().output().format();
        return downloads
                .picture(
                        job,
                        image.orElseThrow(() -> Problem.jobNotFound(id)),
                        MediaType.parseMediaType(format.mediaType()))
                .answer(method, headers);
    }

    private static String signed(long expires, String file) {
        return expires + " " + file;
    }
}
