package dev.darkroom.api;

import dev.darkroom.api.http.Accept;
import dev.darkroom.api.http.ForwardedPrefix;
import dev.darkroom.api.http.HangUps;
import dev.darkroom.api.http.ProblemValve;
import dev.darkroom.api.http.QueryParameters;
import dev.darkroom.api.http.RequestIds;
import dev.darkroom.api.who.Gate;
import java.util.List;
import org.apache.catalina.core.StandardHost;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.http.MediaType;
import org.springframework.web.accept.ContentNegotiationStrategy;
import org.springframework.web.accept.HeaderContentNegotiationStrategy;
import org.springframework.web.filter.UrlHandlerFilter;
import org.springframework.web.servlet.config.annotation.ContentNegotiationConfigurer;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.type.LogicalType;

/** How strictly requests are read, and what Tomcat itself answers with. */
@Configuration(proxyBeanMethods = false)
class HttpConfiguration {

    /** Nothing is ignored and nothing is guessed: an unknown field, a repeated one, {@code "20"} for 20 are errors. */
    @Bean
    JsonMapperBuilderCustomizer strictRequests() {
        return builder -> builder.enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .withCoercionConfig(
                        LogicalType.Textual,
                        text -> text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                                .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                                .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail));
    }

    /** What {@link Accept} says of the header holds for the choice of handlers too. */
    @Bean
    WebMvcConfigurer contentNegotiation() {
        HeaderContentNegotiationStrategy header = new HeaderContentNegotiationStrategy();
        ContentNegotiationStrategy strategy = request -> {
            List<MediaType> ranges = Accept.withoutProblems(header.resolveMediaTypes(request));
            return ranges.isEmpty() ? ContentNegotiationStrategy.MEDIA_TYPE_ALL_LIST : ranges;
        };
        return new WebMvcConfigurer() {
            @Override
            public void configureContentNegotiation(ContentNegotiationConfigurer configurer) {
                configurer.strategies(List.of(strategy));
            }

            @Override
            public void addInterceptors(InterceptorRegistry registry) {
                registry.addInterceptor(new QueryParameters()).addPathPatterns(Gate.PATHS);
            }
        };
    }

    /** A path means the same with a slash at its end. Before all other filters, so that rules of access see one path. */
    @Bean
    FilterRegistrationBean<UrlHandlerFilter> slashes() {
        FilterRegistrationBean<UrlHandlerFilter> filter = new FilterRegistrationBean<>(
                UrlHandlerFilter.trailingSlashHandler(Gate.PATHS).wrapRequest().build());
        filter.setOrder(Ordered.HIGHEST_PRECEDENCE);
        return filter;
    }

    /** Requests that Tomcat refuses before they reach us get a problem as well, not a page. */
    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> valves(
            @Value("${server.forward-headers-strategy:none}") String forwarded) {
        return factory -> {
            factory.addContextCustomizers(context ->
                    ((StandardHost) context.getParent()).setErrorReportValveClass(ProblemValve.class.getName()));
            factory.addContextValves(new HangUps());
            if (forwarded.equalsIgnoreCase("framework")) {
                factory.addContextValves(new ForwardedPrefix());
            }
            factory.addEngineValves(new RequestIds());
            // A client that asks before it sends a body hears first of what does not depend on it.
            factory.addConnectorCustomizers(connector -> connector.setProperty("continueResponseTiming", "onRead"));
        };
    }
}
