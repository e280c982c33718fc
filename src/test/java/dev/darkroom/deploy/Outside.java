package dev.darkroom.deploy;

import com.sun.net.httpserver.HttpServer;
import dev.darkroom.ServerProcess;
import dev.darkroom.TestPostgres;
import dev.darkroom.api.TokenIssuer;
import dev.darkroom.blobs.S3Server;
import dev.darkroom.library.hub.FakeHub;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.net.ServerSocketFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * What pods call: PostgreSQL, an S3-compatible store, Amazon's, a hub, an issuer of tokens, and the cloud's credentials of a node.
 * Each has an address of the machine and the names that the example values use, behind TLS where they say https.
 */
final class Outside implements AutoCloseable {
    static final String ISSUER = "https://login.example.org/realms/main";
    private static final String OTHER_ISSUER = "https://login.example.org";
    private static final String PASSWORD = "changeit";
    private static final List<String> TLS_NAMES = List.of(
            "s3.example.org",
            "login.example.org",
            "hub.example.org",
            "huggingface.co",
            "*.s3.amazonaws.com",
            "*.s3.us-east-1.amazonaws.com");

    /** The bucket where the SDK may look for it. */
    private static final List<String> AMAZON =
            List.of("pictures.s3.amazonaws.com", "pictures.s3.us-east-1.amazonaws.com");

    final TestPostgres postgres = TestPostgres.start();
    private final Path folder = ServerProcess.freshData("outside");
    private final S3Server store;
    private final S3Server amazon;
    private final FakeHub hub;
    private final Map<String, String> hosts = new LinkedHashMap<>();
    private final Machine machine;
    private final ServerSocketFactory tls;

    /** The trusted certificates of the image, and ours. */
    final Path certificates = folder.resolve("cacerts");

    Outside(Machine machine) throws Exception {
        this.machine = machine;
        postgres.user("darkroom");
        store = new S3Server(folder.resolve("s3"), "pictures");
        // With a virtual host that nobody calls S3Proxy takes the host's whole name for the bucket's.
        // And it knows no session tokens, which a node's credentials have.
        amazon = new S3Server(
                folder.resolve("amazon"),
                AMAZON.get(0),
                "s3proxy.virtual-host=nowhere.example",
                "s3proxy.ignore-unknown-headers=true");
        Files.createDirectory(
                amazon.data().resolve(AMAZON.get(1)),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        hub = FakeHub.of(Path.of("src/test/resources/tiny-sd"));
        tls = tls();

        relay(
                "postgres",
                5432,
                URI.create(postgres.url("darkroom").substring("jdbc:".length())).getPort(),
                false);
        relay("s3", 9000, URI.create(store.endpoint()).getPort(), false);
        relay("s3.example.org", 443, URI.create(store.endpoint()).getPort(), true);
        relay(AMAZON.get(0), 443, URI.create(amazon.endpoint()).getPort(), true);
        hosts.put(AMAZON.get(1), hosts.get(AMAZON.get(0)));
        relay("hub.example.org", 443, hub.address().getPort(), true);
        hosts.put("huggingface.co", hosts.get("hub.example.org"));
        issuers = new TokenIssuer(ISSUER, OTHER_ISSUER);
        relay("login.example.org", 443, issuers.port(), true);
        nodeCredentials();
    }

    private final TokenIssuer issuers;

    /** The addresses of names, beside those of the cluster. */
    Map<String, String> hosts() {
        return hosts;
    }

    /** Secrets that the example values take for there already. */
    Map<String, Map<String, String>> secrets(String keys) {
        return Map.of(
                "postgres-app",
                Map.of("username", postgres.user(), "password", "any", "user", postgres.user(), "pass", "any"),
                "pictures",
                Map.of(
                        "access-key",
                        S3Server.ENVIRONMENT.get("AWS_ACCESS_KEY_ID"),
                        "secret-key",
                        S3Server.ENVIRONMENT.get("AWS_SECRET_ACCESS_KEY")),
                "darkroom-keys",
                Map.of("api-keys", keys),
                "keys",
                Map.of("all", keys),
                "hub",
                Map.of("token", "hf_token", "hf", "hf_token"),
                "more",
                Map.of("MORE", "1"));
    }

    String token(String issuer) {
        return issuers.tokenOf(issuer, "somebody", "images:write jobs:read");
    }

    /** As the metadata service of a cloud's node, IMDSv2. */
    private void nodeCredentials() throws IOException {
        String address = "169.254.169.254";
        machine.address(address);
        HttpServer server = HttpServer.create(new InetSocketAddress(address, 80), 0);
        String credentials = """
                {"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"%s","SecretAccessKey":"%s","Token":"t","LastUpdated":"%s","Expiration":"%s"}""".formatted(
                        S3Server.ENVIRONMENT.get("AWS_ACCESS_KEY_ID"),
                        S3Server.ENVIRONMENT.get("AWS_SECRET_ACCESS_KEY"),
                        Instant.now(),
                        Instant.now().plusSeconds(6 * 3600));
        server.createContext("/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            String answer = path.endsWith("/api/token")
                    ? "token"
                    : path.endsWith("/role") ? credentials : path.contains("iam/security-credentials") ? "role" : "";
            byte[] body = answer.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("x-aws-ec2-metadata-token-ttl-seconds", "21600");
            exchange.sendResponseHeaders(answer.isEmpty() ? 404 : 200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    private ServerSocketFactory tls() throws Exception {
        Path keys = folder.resolve("keys.p12");
        String keytool =
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        Shell.succeed(
                keytool,
                "-genkeypair",
                "-alias",
                "outside",
                "-keyalg",
                "EC",
                "-dname",
                "CN=outside",
                "-validity",
                "2",
                "-keystore",
                keys.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD,
                "-ext",
                "san=dns:" + String.join(",dns:", TLS_NAMES));
        Path certificate = folder.resolve("outside.crt");
        Shell.succeed(
                keytool,
                "-exportcert",
                "-alias",
                "outside",
                "-keystore",
                keys.toString(),
                "-storepass",
                PASSWORD,
                "-file",
                certificate.toString());
        Files.copy(
                Path.of(System.getProperty("java.home"), "lib", "security", "cacerts")
                        .toRealPath(),
                certificates);
        Shell.succeed(
                keytool,
                "-importcert",
                "-noprompt",
                "-alias",
                "outside",
                "-file",
                certificate.toString(),
                "-keystore",
                certificates.toString(),
                "-storepass",
                PASSWORD);
        KeyStore store = KeyStore.getInstance(keys.toFile(), PASSWORD.toCharArray());
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(store, PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context.getServerSocketFactory();
    }

    /** Gives a name an address of its own where connections go on to a port of this machine. */
    private void relay(String name, int port, int target, boolean secure) throws IOException {
        String address = Machine.NETWORK + (200 + hosts.size());
        machine.address(address);
        hosts.put(name, address);
        InetAddress local = InetAddress.getByName(address);
        ServerSocket server = secure ? tls.createServerSocket(port, 50, local) : new ServerSocket(port, 50, local);
        thread(() -> {
            while (true) {
                Socket caller = server.accept();
                Socket callee = new Socket(InetAddress.getLoopbackAddress(), target);
                thread(() -> copy(caller, callee));
                thread(() -> copy(callee, caller));
            }
        });
    }

    private static void copy(Socket from, Socket to) throws IOException {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            in.transferTo(out);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void thread(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // One of the two hung up.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        store.close();
        amazon.close();
        hub.close();
        postgres.close();
    }
}
