package dev.darkroom.api.who;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.AbstractProtocol;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;

/** Listens where only this machine reaches it: at both of its own addresses, since clients take either for localhost. */
final class Loopback {

    private static final Logger log = LoggerFactory.getLogger(Loopback.class);

    private Loopback() {}

    /**
     * To be called once everything else is set, as the second address gets the same settings. It is left out with TLS, where
     * names matter, with a port that the system chooses, and where it cannot be had.
     */
    static void listen(TomcatServletWebServerFactory factory) {
        factory.setAddress(InetAddress.getLoopbackAddress());
        int port = factory.getPort();
        if (port > 0 && factory.getSsl() == null) {
            InetAddress other = other();
            if (isFree(other, port)) {
                factory.addAdditionalConnectors(connector(factory, other, port));
            }
        }
    }

    private static InetAddress other() {
        byte[] address = new byte[InetAddress.getLoopbackAddress().getAddress().length == 4 ? 16 : 4];
        address[0] = (byte) (address.length == 4 ? 127 : 0);
        address[address.length - 1] = 1;
        try {
            return InetAddress.getByAddress("localhost", address);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("4 and 16 bytes are addresses", e);
        }
    }

    private static boolean isFree(InetAddress address, int port) {
        try (ServerSocket probe = new ServerSocket(port, 1, address)) {
            return probe.isBound();
        } catch (IOException e) {
            log.info("Not listening at {} port {}: {}", address.getHostAddress(), port, e.getMessage());
            return false;
        }
    }

    private static Connector connector(TomcatServletWebServerFactory factory, InetAddress address, int port) {
        Connector connector = new Connector(TomcatServletWebServerFactory.DEFAULT_PROTOCOL);
        connector.setThrowOnFailure(true);
        connector.setPort(port);
        connector.setURIEncoding(factory.getUriEncoding().name());
        connector.setProperty("bindOnInit", "false");
        if (connector.getProtocolHandler() instanceof AbstractProtocol<?> protocol) {
            protocol.setAddress(address);
        }
        factory.getConnectorCustomizers().forEach(customizer -> customizer.customize(connector));
        return connector;
    }
}
