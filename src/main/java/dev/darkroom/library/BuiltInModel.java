package dev.darkroom.library;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/** The model in the jar: a diffusers folder among the resources, unpacked once because networks are read from files. */
public final class BuiltInModel {
    public static final String ID = "darkroom-emoji";
    private static final String HALF = "unpacking";

    private static final List<String> FILES = List.of(
            "model_index.json",
            "darkroom.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors");

    private BuiltInModel() {}

    /**
     * The folder below {@code cache} that holds the model, named by its content so that it is whole and of this jar.
     *
     * @throws UncheckedIOException if it cannot be written, as on a full disk; nothing is left of it then
     */
    public static Path unpack(Path cache) {
        try {
            Path folder = cache.resolve(ID + "-" + hash());
            if (!Files.isDirectory(folder)) {
                Files.createDirectories(cache);
                removeAbandoned(cache);
                // Not a temporary folder as Java makes them, which only their owner may read.
                Path half = Files.createDirectory(cache.resolve(HALF + UUID.randomUUID()));
                try {
                    for (String file : FILES) {
                        Path target = half.resolve(file);
                        Files.createDirectories(target.getParent());
                        try (InputStream in = open(file)) {
                            Files.copy(in, target);
                        }
                    }
                    Files.move(half, folder);
                } catch (IOException e) {
                    delete(half);
                    if (!Files.isDirectory(folder)) { // unless another process was faster
                        throw e;
                    }
                }
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack the built-in model to " + cache + ": " + e.getMessage(), e);
        }
    }

    /** What processes left that were killed while they unpacked. */
    private static void removeAbandoned(Path cache) throws IOException {
        FileTime old = FileTime.from(Instant.now().minus(Duration.ofHours(1)));
        try (DirectoryStream<Path> halves = Files.newDirectoryStream(cache, HALF + "*")) {
            for (Path half : halves) {
                if (Files.getLastModifiedTime(half).compareTo(old) < 0) {
                    delete(half);
                }
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static String hash() throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String file : FILES) {
                try (InputStream in = new DigestInputStream(open(file), digest)) {
                    in.transferTo(OutputStream.nullOutputStream());
                }
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static InputStream open(String file) {
        InputStream in = BuiltInModel.class.getResourceAsStream(ID + "/" + file);
        if (in == null) {
            throw new IllegalStateException("the jar lacks " + ID + "/" + file);
        }
        return in;
    }
}
