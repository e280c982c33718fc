package dev.darkroom.api;

import java.net.InetAddress;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementServerProperties;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;

/**
 * The actuator's own port is no more open than the API's: see {@link SecurityConfiguration#address}. Part of the actuator's context, by its
 * name in {@code META-INF/spring}; not annotated, so that scanning the class path does not make it part of the API's.
 */
class ManagementAddress {

    /** @param audience none in a worker, which has no API */
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> managementAddress(
            ObjectProvider<SecurityConfiguration.Audience> audience,
            ManagementServerProperties management,
            Environment environment) {
        return factory -> {
            if (ManagementPortType.get(environment) == ManagementPortType.DIFFERENT
                    && audience.getIfAvailable() == SecurityConfiguration.Audience.THIS_MACHINE
                    && management.getAddress() == null) {
                factory.setAddress(InetAddress.getLoopbackAddress());
            }
        };
    }
}
