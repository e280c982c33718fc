package dev.darkroom.blobs;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * S3Proxy on a directory, as a process: a server that checks signatures and checksums. Maven wrote its class path.
 *
 * <p>A bucket is a folder of the directory, and an object a file.
 */
public final class S3Server implements AutoCloseable {
    static final String ACCESS_KEY = "test-access-key";
    static final String SECRET_KEY = "test-secret-key";

    /** As the AWS SDK looks for them in another process. */
    public static final Map<String, String> ENVIRONMENT =
            Map.of("AWS_ACCESS_KEY_ID", ACCESS_KEY, "AWS_SECRET_ACCESS_KEY", SECRET_KEY);

    private static final Path CLASS_PATH = Path.of("target", "s3proxy.classpath");

    private final Path directory;
    private final List<String> further;
    private final int port;
    private Process process;

    /** @param further lines of S3Proxy's properties */
    public S3Server(Path directory, String bucket, String... further) throws IOException {
        this.directory = directory;
        this.further = List.of(further);
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        // Private to its owner, or S3Proxy would serve it to everybody.
        Files.createDirectory(
                Files.createDirectories(directory.resolve("data")).resolve(bucket),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        process = start();
    }

    public String endpoint() {
        return "http://127.0.0.1:" + port;
    }

    /** As the AWS SDK looks for them. */
    public static void credentials() {
        System.setProperty("aws.accessKeyId", ACCESS_KEY);
        System.setProperty("aws.secretAccessKey", SECRET_KEY);
    }

    public Path data() {
        return directory.resolve("data");
    }

    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    public void restart() throws IOException {
        kill();
        process = start();
    }

    @Override
    public void close() {
        kill();
    }

    private Process start() throws IOException {
        List<String> lines = new ArrayList<>(further);
        lines.addAll(List.of(
                "s3proxy.endpoint=" + endpoint(),
                "s3proxy.authorization=aws-v2-or-v4",
                "s3proxy.identity=" + ACCESS_KEY,
                "s3proxy.credential=" + SECRET_KEY,
                "jclouds.provider=filesystem-nio2",
                "jclouds.identity=unused",
                "jclouds.credential=unused",
                "jclouds.filesystem.basedir=" + data().toAbsolutePath()));
        Path properties = Files.write(directory.resolve("s3proxy.properties"), lines);
        Path logging = Files.writeString(
                directory.resolve("logback.xml"),
                "<configuration><appender name='out' class='ch.qos.logback.core.ConsoleAppender'><encoder><pattern>%m%n</pattern>"
                        + "</encoder></appender><root level='warn'><appender-ref ref='out'/></root></configuration>");
        Process started = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx128m",
                        "-Dlogback.configurationFile=" + logging,
                        "-cp",
                        Files.readString(CLASS_PATH).strip(),
                        "org.gaul.s3proxy.Main",
                        "--properties",
                        properties.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("s3proxy.log").toFile())
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(started::destroyForcibly));
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            if (!started.isAlive()) {
                throw new IllegalStateException(Files.readString(directory.resolve("s3proxy.log")));
            }
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return socket.isConnected();
            } catch (IOException e) {
                return false;
            }
        });
        return started;
    }
}
