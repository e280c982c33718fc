package dev.darkroom.library.hub;

import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.InvalidCheckpoint;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A Hugging Face-style hub that models are fetched from.
 *
 * <p>A model is put together in {@code .download-ID/COMMIT} beside where it will be, which is kept when an attempt fails
 * or the process dies, and moved to its place when complete. There a file has its own name once its hash was found right,
 * and {@code .part} behind it until then.
 */
public final class Hub {
    private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
    private static final long MAX_INDEX = 16 << 20;

    private final HubClient client;
    private final Patience patience;
    private final ToLongFunction<Path> freeSpace;

    Hub(HubClient client, Patience patience, ToLongFunction<Path> freeSpace) {
        this.client = client;
        this.patience = patience;
        this.freeSpace = freeSpace;
    }

    /**
     * The hub at {@code HF_ENDPOINT}, the public one if that is not set, with the token in {@code HF_TOKEN} or {@code
     * HUGGING_FACE_HUB_TOKEN}, by the {@linkplain Proxies proxies} that the environment names.
     *
     * @param environment {@link System#getenv()}
     * @throws IllegalArgumentException if one of them cannot be what it should be
     */
    public static Hub of(Map<String, String> environment) {
        URI endpoint = endpoint(environment.getOrDefault("HF_ENDPOINT", ""));
        String token = token(environment.getOrDefault("HF_TOKEN", ""));
        if (token == null) {
            token = token(environment.getOrDefault("HUGGING_FACE_HUB_TOKEN", ""));
        }
        return new Hub(
                new HubClient(endpoint, token, Proxies.of(environment), Patience.DEFAULT),
                Patience.DEFAULT,
                Hub::usableSpace);
    }

    private static URI endpoint(String text) {
        String address = text.isBlank() ? DEFAULT_ENDPOINT : text.strip();
        if (!address.matches("https?://[A-Za-z0-9.\\-\\[\\]:]+(/[A-Za-z0-9._~/-]*)?")
                || URI.create(address).getHost() == null) {
            throw new IllegalArgumentException(
                    "HF_ENDPOINT must be an http or https address without user, query or fragment");
        }
        return URI.create(address);
    }

    /** Checked here because the HTTP client would repeat what it refuses in its message. */
    private static @Nullable String token(String text) {
        String token = text.strip();
        if (!token.matches("[\\x21-\\x7e]*")) {
            throw new IllegalArgumentException("the token for the hub has characters that no token has");
        }
        return token.isEmpty() ? null : token;
    }

    private static long usableSpace(Path folder) {
        try {
            return Files.getFileStore(folder).getUsableSpace();
        } catch (IOException e) {
            throw new DownloadFailed("the free space of " + folder + " is not known: " + e, e);
        }
    }

    /**
     * Fetches a model, if its folder is not there yet: {@code model_index.json}, the components' configurations and
     * tokenizer files, and one set of weights each. If another process is at it, waits for that one.
     *
     * @param models the models directory, created if need be
     * @return the model's folder, {@code models/org--name}
     * @throws DownloadFailed if the hub refuses, keeps failing, or sends what it did not list; if the disk is full; or if
     *     it is not a model that Darkroom reads, of which nothing is kept
     */
    public Path download(ModelName model, Path models, Progress progress) throws InterruptedException {
        Path target = models.resolve(model.id());
        if (Files.exists(target)) {
            return target;
        }
        Path staging = models.resolve(".download-" + model.id());
        try (StagingLock lock = StagingLock.acquire(staging, target, patience)) {
            if (lock == null) {
                return target;
            }
            try {
                Path folder = fetch(model, staging, progress);
                Files.move(folder, target, StandardCopyOption.ATOMIC_MOVE);
                deleteAll(staging);
            } catch (InvalidCheckpoint e) {
                deleteAll(staging);
                throw new DownloadFailed(model + " is not a model that Darkroom reads: " + e.getMessage(), e);
            }
            return target;
        } catch (IOException e) {
            throw new DownloadFailed("cannot write " + model + " to " + models + ": " + e, e);
        }
    }

    private Path fetch(ModelName model, Path staging, Progress progress) throws IOException, InterruptedException {
        Listing listing = list(model);
        Path folder = staging.resolve(listing.commit());
        deleteOtherCommits(staging, folder);

        Transfer transfer = new Transfer(client, patience, model, listing.commit(), folder);
        transfer.fetch(index(listing, "model_index.json"));
        DiffusersFolder diffusers = DiffusersFolder.open(folder);
        for (String file : diffusers.files(listing.paths())) {
            if (DiffusersFolder.isShardIndex(file)) {
                transfer.fetch(index(listing, file));
            }
        }
        List<RemoteFile> files = diffusers.files(listing.paths()).stream()
                .map(listing::file)
                .sorted(Comparator.comparingLong(RemoteFile::size))
                .toList();

        long total = files.stream().mapToLong(RemoteFile::size).reduce(0, Math::addExact);
        long missing = total;
        for (RemoteFile file : files) {
            missing -= transfer.present(file);
        }
        long free = freeSpace.applyAsLong(folder);
        if (missing > free) {
            throw new DownloadFailed("the disk of " + staging.getParent() + " is too small: " + model + " needs "
                    + missing + " bytes more, " + free + " are free");
        }
        transfer.report(progress, total - missing, total);
        for (RemoteFile file : files) {
            transfer.fetch(file);
        }
        return folder;
    }

    private Listing list(ModelName model) throws InterruptedException {
        for (int futile = 1; ; futile++) {
            try {
                return client.list(model);
            } catch (TryAgain e) {
                patience.pauseOrGiveUp(model.toString(), futile, e);
            }
        }
    }

    /** A file that is read before the disk is asked for space. */
    private static RemoteFile index(Listing listing, String path) {
        RemoteFile file = listing.file(path);
        if (file.size() > MAX_INDEX) {
            throw new DownloadFailed(path + " has " + file.size() + " bytes, more than " + MAX_INDEX);
        }
        return file;
    }

    /** What an attempt left that began before the revision moved on. */
    private static void deleteOtherCommits(Path staging, Path folder) throws IOException {
        try (Stream<Path> children = Files.list(staging)) {
            for (Path child : children.filter(Files::isDirectory).toList()) {
                if (!child.equals(folder)) {
                    deleteAll(child);
                }
            }
        }
    }

    private static void deleteAll(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
