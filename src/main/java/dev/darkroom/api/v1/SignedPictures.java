package dev.darkroom.api.v1;

import dev.darkroom.access.Signatures;
import dev.darkroom.api.http.Problem;
import dev.darkroom.api.who.SecurityConfiguration;
import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import dev.darkroom.request.OutputFormat;
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
import org.springframework.web.bind.annotation.RestController;

/**
 * {@code /v1/pictures}: pictures for whoever has their address, which is signed and good for an hour, as OpenAI's are. The
 * signature is part of the path, so that the address ends like the name of a file: clients look at that.
 */
@RestController
public class SignedPictures implements SignedPicturesApi {

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
                + job.request().output().format().extension();
        long seconds = expires.getEpochSecond();
        return PATHS + seconds + "-" + signatures.sign(signed(seconds, file)) + "/" + file;
    }

    @Override
    public ResponseEntity<Object> get(String token, String file, HttpMethod method, HttpHeaders headers) {
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
        OutputFormat format = job.request().output().format();
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
