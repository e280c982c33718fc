package dev.darkroom.trainer;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/**
 * Single files of npm packages, fetched with {@code npm pack} from wherever npm is set up to look.
 *
 * @param spec name and version, as in {@code @iconify-json/noto@1.2.9}
 */
record NpmPackage(String spec) {
    private static final int TAR_BLOCK = 512;

    /** Where {@link #fetch} keeps a file: {@code iconify-json-noto-1.2.9.json} for {@code icons.json} alone in its package. */
    private Path kept(Path folder, String file) {
        String name = spec.replaceFirst("^@", "").replaceAll("[^A-Za-z0-9.]+", "-");
        return folder.resolve(
                file.equals("icons.json") ? name + ".json" : name + "-" + file.replaceAll("[^A-Za-z0-9.]+", "-"));
    }

    /**
     * A file of the package in {@code folder}; taken from the package the first time.
     *
     * @param file path within the package
     * @throws IOException when npm is missing or fails; the message says how to bring the file by hand
     */
    Path fetch(Path folder, String file) throws IOException {
        Path kept = kept(folder, file);
        if (!Files.exists(kept)) {
            Files.createDirectories(folder);
            Path archive = pack(folder, file, kept);
            try {
                AtomicFiles.write(kept, out -> unpack(archive, "package/" + file, out));
            } finally {
                Files.delete(archive);
            }
        }
        return kept;
    }

    /** Runs {@code npm pack} and returns the archive it left in {@code folder}. */
    private Path pack(Path folder, String file, Path kept) throws IOException {
        String npm = System.getProperty("os.name").startsWith("Windows") ? "npm.cmd" : "npm";
        String byHand =
                "Bring the file by hand: run \"npm pack %s\" where npm works, and put package/%s of the archive at %s"
                        .formatted(spec, file, kept);
        Process process;
        try {
            process = new ProcessBuilder(npm, "pack", spec, "--silent")
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw new IOException("Could not run npm (%s). %s".formatted(e.getMessage(), byHand), e);
        }
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) {
                throw new IOException("npm pack %s failed: %s. %s".formatted(spec, output, byHand));
            }
            return folder.resolve(output.substring(output.lastIndexOf('\n') + 1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while npm pack %s ran".formatted(spec), e);
        } finally {
            process.destroy();
        }
    }

    /** Copies one file out of a gzipped tar archive (POSIX ustar: a 512-byte header before each file). */
    private static void unpack(Path tgz, String file, OutputStream out) throws IOException {
        try (InputStream in = new GZIPInputStream(Files.newInputStream(tgz))) {
            for (byte[] header = in.readNBytes(TAR_BLOCK);
                    header.length == TAR_BLOCK && header[0] != 0;
                    header = in.readNBytes(TAR_BLOCK)) {
                long size = Long.parseLong(text(header, 124, 12).strip(), 8);
                if (text(header, 0, 100).equals(file)) {
                    out.write(in.readNBytes(Math.toIntExact(size)));
                    return;
                }
                in.skipNBytes((size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
            }
        }
        throw new EOFException("%s holds no %s".formatted(tgz, file));
    }

    private static String text(byte[] header, int offset, int length) {
        String field = new String(header, offset, length, StandardCharsets.ISO_8859_1);
        int end = field.indexOf('\0');
        return end < 0 ? field : field.substring(0, end);
    }
}
