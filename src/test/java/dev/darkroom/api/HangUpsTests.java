package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.api.http.HangUps;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Probes on a real Tomcat, by somebody who goes on asking when the request is long over. */
class HangUpsTests {

    private final List<BooleanSupplier> probes = new CopyOnWriteArrayList<>();
    private final ExecutorService answers = Executors.newCachedThreadPool();
    private volatile @Nullable BooleanSupplier last;
    private final AtomicBoolean over = new AtomicBoolean();
    private final Tomcat tomcat = new Tomcat();

    @TempDir
    private java.io.File folder;

    /** A wait that ends in an exception: an error, without another dispatch. */
    private final class Wait extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) {
            Optional.ofNullable(last).ifPresent(probes::add);
            BooleanSupplier probe = HangUps.probe(request);
            last = probe;
            AsyncContext wait = request.startAsync();
            answers.execute(() -> {
                assertThat(probe.getAsBoolean()).isFalse();
                response.setStatus(HttpServletResponse.SC_GATEWAY_TIMEOUT);
                response.setContentLength(0);
                wait.complete();
            });
        }
    }

    @BeforeEach
    void start() throws Exception {
        tomcat.setBaseDir(folder.getPath());
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("maxKeepAliveRequests", "-1");
        Context context = tomcat.addContext("", folder.getPath());
        context.getPipeline().addValve(new HangUps());
        Tomcat.addServlet(context, "wait", new Wait()).setAsyncSupported(true);
        context.addServletMappingDecoded("/*", "wait");
        tomcat.start();
    }

    @AfterEach
    void stop() throws Exception {
        over.set(true);
        answers.shutdownNow();
        tomcat.stop();
        tomcat.destroy();
    }

    @Test
    void aProbeThatIsAskedAfterItsRequestTakesNothingFromTheNextOneOnTheConnection() throws Exception {
        answers.execute(() -> {
            while (!over.get()) {
                probes.removeIf(BooleanSupplier::getAsBoolean); // never: nobody has hung up
            }
        });
        byte[] request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        try (Socket socket = new Socket("localhost", tomcat.getConnector().getLocalPort())) {
            socket.setSoTimeout(10_000);
            OutputStream out = socket.getOutputStream();
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            for (int i = 0; i < 300; i++) {
                out.write(request, 0, 9);
                out.flush();
                out.write(request, 9, request.length - 9);
                out.flush();
                assertThat(head(in)).as("answer %d", i).startsWith("HTTP/1.1 504");
                if (probes.size() > 20) {
                    probes.remove(0);
                }
            }
        }
    }

    private static String head(BufferedReader in) throws IOException {
        String first = String.valueOf(in.readLine());
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {}
        return first;
    }
}
