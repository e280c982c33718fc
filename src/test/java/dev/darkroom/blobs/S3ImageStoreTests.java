package dev.darkroom.blobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class S3ImageStoreTests extends ImageStoreContract {
    private static S3Server server;
    private static S3ImageStore store;

    @BeforeAll
    static void start(@TempDir Path directory) throws IOException {
        S3Server.credentials();
        server = new S3Server(directory, "pictures");
        store = new S3ImageStore(URI.create("s3://pictures/some/where"), server.endpoint(), "us-east-1");
    }

    @AfterAll
    static void stop() {
        store.close();
        server.close();
    }

    @AfterEach
    void empty() throws IOException {
        Path bucket = server.data().resolve("pictures");
        try (Stream<Path> files = Files.walk(bucket)) {
            for (Path file : files.sorted(Comparator.reverseOrder())
                    .filter(file -> !file.equals(bucket))
                    .toList()) {
                Files.delete(file);
            }
        }
    }

    @Override
    ImageStore store() {
        return store;
    }

    @Override
    Path pictures() {
        return server.data().resolve("pictures/some/where");
    }

    @Test
    void aBucketThatIsNotThereIsNamed() {
        try (S3ImageStore other = new S3ImageStore(URI.create("s3://others"), server.endpoint(), "us-east-1")) {
            assertThatThrownBy(() -> other.write(new byte[] {1}))
                    .isInstanceOf(ImageStoreUnavailable.class)
                    .hasMessageContaining("cannot write the picture s3://others/4b/4bf5")
                    .hasMessageContaining("bucket does not exist");
        }
        store.write(new byte[] {1});
    }

    @Test
    void wrongCredentialsAreRefused() {
        System.setProperty("aws.secretAccessKey", "wrong");
        try (S3ImageStore other = new S3ImageStore(URI.create("s3://pictures"), server.endpoint(), "us-east-1")) {
            assertThatThrownBy(() -> other.write(new byte[] {1}))
                    .isInstanceOf(ImageStoreUnavailable.class)
                    .hasMessageContaining("403")
                    .hasMessageNotContaining("wrong");
        } finally {
            S3Server.credentials();
        }
        store.write(new byte[] {1});
    }

    @Test
    @Timeout(60)
    void aServerThatIsAwayIsAFailureAndNoHang() throws IOException {
        byte[] picture = "picture".getBytes(StandardCharsets.UTF_8);
        String hash = store.write(picture);
        server.kill();
        try {
            for (Runnable call : List.<Runnable>of(
                    () -> store.write(picture),
                    () -> store.read(hash),
                    () -> store.holds(hash),
                    () -> store.delete(hash))) {
                assertThatThrownBy(call::run).isInstanceOf(ImageStoreUnavailable.class);
            }
        } finally {
            server.restart();
        }
        assertThat(store.read(hash)).isEqualTo(picture);
    }

    /** A server that takes a call and never answers. */
    @Test
    @Timeout(60)
    void aServerThatIsSilentIsAFailureInTime() throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                S3ImageStore other = new S3ImageStore(
                        URI.create("s3://pictures"), "http://127.0.0.1:" + silent.getLocalPort(), "us-east-1")) {
            assertThatThrownBy(() -> other.holds("ab")).isInstanceOf(ImageStoreUnavailable.class);
        }
    }

    /** A connection that is cut in the middle of a picture leaves none. */
    @Test
    @Timeout(60)
    void whatIsCutOffIsNotThere() throws IOException {
        byte[] picture = new byte[2 << 20];
        new Random(3).nextBytes(picture);
        AtomicInteger cuts = new AtomicInteger();
        try (ServerSocket proxy = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                S3ImageStore other = new S3ImageStore(
                        URI.create("s3://pictures/some/where"),
                        "http://127.0.0.1:" + proxy.getLocalPort(),
                        "us-east-1")) {
            daemon(() -> {
                while (!proxy.isClosed()) {
                    cutAfter(1 << 20, proxy.accept());
                    cuts.incrementAndGet();
                }
            });
            assertThatThrownBy(() -> other.write(picture)).isInstanceOf(ImageStoreUnavailable.class);
        }
        assertThat(cuts).as("tries").hasValueGreaterThan(1);
        assertThat(store.holds(ImageStore.hash(picture))).isFalse();
        assertThat(store.read(store.write(picture))).isEqualTo(picture);
    }

    /** Passes both directions on until the client has sent so many bytes. */
    private static void cutAfter(int bytes, Socket client) throws IOException {
        try (client;
                Socket upstream = new Socket(
                        InetAddress.getLoopbackAddress(),
                        URI.create(server.endpoint()).getPort())) {
            daemon(() -> upstream.getInputStream().transferTo(client.getOutputStream()));
            byte[] buffer = new byte[8192];
            for (int sent = 0; sent < bytes; ) {
                int read = client.getInputStream().read(buffer);
                if (read < 0) {
                    return;
                }
                upstream.getOutputStream().write(buffer, 0, read);
                sent += read;
            }
        }
    }

    private interface Traffic {
        void run() throws IOException;
    }

    private static void daemon(Traffic traffic) {
        Thread thread = new Thread(() -> {
            try {
                traffic.run();
            } catch (IOException e) {
                // the other side is gone
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
