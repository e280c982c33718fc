package dev.darkroom.api.who;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementServerProperties;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.ServletContextInitializer;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/**
 * A port of the actuator's own is no more open than the API's: see {@link SecurityConfiguration#address}. Named in
 * {@code META-INF/spring} as a part of the actuator's context.
 */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
class ManagementAddress {

    /** @param pages none in a worker, which has no API */
    @Bean
    ServletContextInitializer managementPages(ObjectProvider<PageGuard> pages) {
        return context -> {
            PageGuard guard = pages.getIfAvailable();
            if (guard != null) {
                new FilterRegistrationBean<>(guard).onStartup(context);
            }
        };
    }

    /** @param audience none in a worker, which has no API */
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> managementAddress(
            ObjectProvider<SecurityConfiguration.Audience> audience, ManagementServerProperties management) {
        return factory -> {
            if (audience.getIfAvailable() == SecurityConfiguration.Audience.THIS_MACHINE
                    && management.getAddress() == null) {
                Loopback.listen(factory);
            }
        };
    }
}
