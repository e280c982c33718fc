package dev.darkroom.library.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Brings a model's files into its folder. What is there already is not fetched again. */
final class Transfer {
    private final HubClient client;
    private final Patience patience;
    private final ModelName model;
    private final String commit;
    private final Path folder;

    private Progress progress = (file, done, total) -> {};
    private long done;
    private long total;

    Transfer(HubClient client, Patience patience, ModelName model, String commit, Path folder) {
        this.client = client;
        this.patience = patience;
        this.model = model;
        this.commit = commit;
        this.folder = folder;
    }

    /** From now on tells how far all files together are. */
    void report(Progress to, long alreadyDone, long ofTotal) {
        progress = to;
        done = alreadyDone;
        total = ofTotal;
    }

    /** How many of the file's bytes are there. */
    long present(RemoteFile file) throws IOException {
        if (Files.exists(complete(file))) {
            return file.size();
        }
        return Files.exists(part(file)) ? Math.min(Files.size(part(file)), file.size()) : 0;
    }

    private Path complete(RemoteFile file) {
        return folder.resolve(file.path());
    }

    private Path part(RemoteFile file) {
        return folder.resolve(file.path() + ".part");
    }

    /** @throws DownloadFailed if the hub keeps failing, or its content has twice another hash than listed */
    void fetch(RemoteFile file) throws IOException, InterruptedException {
        if (Files.exists(complete(file))) {
            return;
        }
        Files.createDirectories(complete(file).getParent());
        receive(file);
        if (!file.isContentOf(part(file))) {
            drop(file);
            receive(file);
            if (!file.isContentOf(part(file))) {
                drop(file);
                throw new DownloadFailed(
                        model + ": " + file.path() + " has twice come with another hash than listed, " + file.hash());
            }
        }
        Files.move(part(file), complete(file), StandardCopyOption.ATOMIC_MOVE);
    }

    private void drop(RemoteFile file) throws IOException {
        advance(file, -present(file));
        Files.delete(part(file));
    }

    /** Goes on until the part has the file's size. */
    private void receive(RemoteFile file) throws IOException, InterruptedException {
        try (FileChannel part = FileChannel.open(part(file), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (part.size() > file.size()) {
                part.truncate(0);
            }
            String etag = "";
            long furthest = part.size();
            int futile = 0;
            while (part.size() < file.size()) {
                try (HubClient.Reply reply = client.file(model, commit, file.path(), part.size(), etag)) {
                    etag = reply.header("ETag");
                    rewindUnlessContinued(file, reply, part);
                    copy(file, reply, part);
                } catch (TryAgain e) {
                    futile = part.size() > furthest ? 1 : futile + 1;
                    furthest = Math.max(furthest, part.size());
                    patience.pauseOrGiveUp(model + ": " + file.path(), futile, e);
                }
            }
            part.force(true);
        }
    }

    /** A server may answer a request for the rest with the whole: it knows no ranges, or the file has changed. */
    private void rewindUnlessContinued(RemoteFile file, HubClient.Reply reply, FileChannel part)
            throws IOException, TryAgain {
        if (reply.status() == 200) {
            advance(file, -part.size());
            part.truncate(0);
        }
        long rest = file.size() - part.size();
        String range = "bytes " + part.size() + "-" + (file.size() - 1) + "/" + file.size();
        if (reply.status() == 206 && !reply.header("Content-Range").equals(range)) {
            throw new TryAgain("the hub sends another part than " + range);
        }
        if (reply.length() >= 0 && reply.length() != rest) {
            throw new TryAgain("the hub announces " + reply.length() + " bytes where " + rest + " are missing");
        }
    }

    private void copy(RemoteFile file, HubClient.Reply reply, FileChannel part)
            throws IOException, TryAgain, InterruptedException {
        part.position(part.size());
        for (List<ByteBuffer> piece; (piece = reply.response().body().next(patience.idle())) != null; ) {
            for (ByteBuffer bytes : piece) {
                if (part.position() + bytes.remaining() > file.size()) {
                    throw new TryAgain("the hub sends more than the " + file.size() + " bytes it lists");
                }
                advance(file, bytes.remaining());
                while (bytes.hasRemaining()) {
                    part.write(bytes);
                }
            }
        }
        if (part.size() < file.size()) {
            throw new TryAgain("the hub ended after " + part.size() + " of " + file.size() + " bytes");
        }
    }

    private void advance(RemoteFile file, long bytes) {
        done += bytes;
        progress.update(file.path(), done, total);
    }
}
