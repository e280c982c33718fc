package dev.darkroom.api.v1;

import dev.darkroom.api.http.Download;
import dev.darkroom.api.http.PictureZip;
import dev.darkroom.job.Job;
import dev.darkroom.job.Jobs;
import dev.darkroom.picture.ContactSheet;
import dev.darkroom.picture.PictureFile;
import dev.darkroom.picture.Recipe;
import dev.darkroom.request.Output;
import dev.darkroom.request.OutputFormat;
import dev.darkroom.request.Request;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;

/**
 * The forms in which a job's pictures can be had. What is stored is PNG, lossless and with its recipe; everything else is
 * made from it when it is asked for. So no form loses what another keeps, and no form is stored that nobody asks for.
 */
@Component
public class Downloads {

    private static final int MAX_NAME = 40;

    private final Jobs jobs;

    /** Decoded pictures are large, and there are far more threads than processors: so many are at work at a time. */
    private final Semaphore permits = new Semaphore(Runtime.getRuntime().availableProcessors());

    Downloads(Jobs jobs) {
        this.jobs = jobs;
    }

    /** The media types of pictures, the job's own first. */
    public static List<MediaType> pictureTypes(Request request) {
        List<OutputFormat> formats = new ArrayList<>(List.of(OutputFormat.values()));
        formats.remove(request.output().format());
        formats.add(0, request.output().format());
        return formats.stream()
                .map(format -> MediaType.parseMediaType(format.mediaType()))
                .toList();
    }

    /** One picture. */
    public Download picture(Job job, Job.Image image, MediaType type) {
        Output output = output(job, type);
        String name = name(job) + "-" + image.seed() + "." + output.format().extension();
        if (output.format() == OutputFormat.PNG) {
            return new Download(type, image.hash(), name, () -> stored(image));
        }
        return new Download(
                type,
                tag(output.toString(), List.of(image)),
                name,
                () -> permitted(() -> {
                    byte[] png = stored(image);
                    return PictureFile.encode(PictureFile.decode(png), output, recipe(png));
                }));
    }

    /** All pictures of a job that has succeeded: a zip of them, or one contact sheet. A single picture is itself. */
    Download pictures(Job job, MediaType type) {
        List<Job.Image> images = job.images();
        if (type.equals(PictureZip.TYPE)) {
            List<Download> files = images.stream()
                    .map(image ->
                            picture(job, image, pictureTypes(job.request()).get(0)))
                    .toList();
            String tag = hash(
                    files.stream().map(file -> file.tag() + file.fileName()).collect(Collectors.joining()));
            return new Download(
                    type,
                    tag,
                    name(job) + "-" + job.request().seeds().first() + ".zip",
                    () -> new PictureZip(files, job.createdAt()));
        }
        if (images.size() == 1) {
            return picture(job, images.get(0), type);
        }
        Output output = output(job, type);
        return new Download(
                type,
                tag("sheet " + output, images),
                name(job) + "-" + job.request().seeds().first() + "-sheet."
                        + output.format().extension(),
                () -> permitted(() -> {
                    ContactSheet sheet = new ContactSheet(
                            images.size(),
                            job.request().size().width(),
                            job.request().size().height());
                    for (int i = 0; i < images.size(); i++) {
                        sheet.put(i, PictureFile.decode(stored(images.get(i))));
                    }
                    return PictureFile.encode(sheet.picture(), output, null);
                }));
    }

    private static Output output(Job job, MediaType type) {
        OutputFormat format = Arrays.stream(OutputFormat.values())
                .filter(each -> each.mediaType().equals(type.toString()))
                .findFirst()
                .orElseThrow();
        return format == job.request().output().format() ? job.request().output() : Output.of(format);
    }

    private byte[] stored(Job.Image image) {
        return jobs.picture(image);
    }

    private static @Nullable Recipe recipe(byte[] png) {
        try {
            return PictureFile.read(new ByteArrayInputStream(png)).recipe().orElse(null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] permitted(Supplier<byte[]> work) {
        permits.acquireUninterruptibly();
        try {
            return work.get();
        } finally {
            permits.release();
        }
    }

    /** The same for the same bytes: pictures, form and encoders. */
    private static String tag(String form, List<Job.Image> images) {
        return hash(form
                + PictureFile.encoders()
                + images.stream().map(Job.Image::hash).collect(Collectors.joining()));
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** The prompt's first words as far as they are plain letters and digits: {@code a-red-apple}. */
    private static String name(Job job) {
        String words = job.request().prompt().text().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
        String start = words.replaceFirst("^-", "");
        String name = start.substring(0, Math.min(start.length(), MAX_NAME)).replaceFirst("-$", "");
        return name.isEmpty() ? "picture" : name;
    }
}
