package dev.darkroom.api.who;

import static org.springframework.security.config.Customizer.withDefaults;

import dev.darkroom.access.AccessSettings;
import dev.darkroom.access.ApiKey;
import dev.darkroom.access.ApiKeys;
import dev.darkroom.access.InvalidKey;
import dev.darkroom.access.Scope;
import dev.darkroom.api.http.ApiSettings;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.health.actuate.endpoint.HealthEndpoint;
import org.springframework.boot.security.autoconfigure.actuate.web.servlet.EndpointRequest;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.config.ObjectPostProcessor;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.config.observation.SecurityObservationSettings;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtDecoderInitializationException;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationProvider;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationFilter;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AuthenticationEntryPointFailureHandler;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsConfigurationSource;
import org.springframework.web.cors.CorsUtils;
import org.springframework.web.filter.CorsFilter;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Who may call what, and from which pages. */
@Configuration(proxyBeanMethods = false)
public class SecurityConfiguration {

    /** Below it a signature in the path stands for a key. */
    public static final String SIGNED_PICTURES = "/v1/pictures/";

    private static final Logger log = LoggerFactory.getLogger(SecurityConfiguration.class);

    /** The document of the API and the page to try it: the same in every installation, and nothing of this one. */
    private static final String[] DOCUMENTATION = {
        "/", "/error", "/v3/api-docs/**", "/swagger-ui.html", "/swagger-ui/**"
    };

    private static final String API_CONTENT = "default-src 'none'; frame-ancestors 'none'";
    private static final String PAGE_CONTENT =
            "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline';"
                    + " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /** Whom this process serves, said once at its start. */
    enum Audience {
        /** Whoever has a key or a token. */
        KNOWN,
        /** Anybody; a setting says so. */
        ANYBODY,
        /** Anybody on this machine. */
        THIS_MACHINE
    }

    @Bean
    Audience audience(ApiKeys keys, AccessSettings settings, Environment environment) {
        String jwt = "spring.security.oauth2.resourceserver.jwt.";
        boolean issuer = environment.containsProperty(jwt + "issuer-uri")
                || environment.containsProperty(jwt + "jwk-set-uri")
                || environment.containsProperty(jwt + "public-key-location");
        return issuer || keys.any() ? Audience.KNOWN : settings.anonymous() ? Audience.ANYBODY : Audience.THIS_MACHINE;
    }

    /** Whether a method is allowed is the mappings' to say, with 405 and {@code Allow}. */
    @Bean
    StrictHttpFirewall firewall() {
        StrictHttpFirewall firewall = new StrictHttpFirewall();
        firewall.setUnsafeAllowAnyHttpMethod(true);
        return firewall;
    }

    /** Nobody looks for the filters' own times; in traces they would be four spans a request. */
    @Bean
    SecurityObservationSettings observations() {
        return SecurityObservationSettings.noObservations();
    }

    /** Without anybody to be asked for credentials the server listens where only this machine reaches it. */
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> address(Audience audience, ServerProperties server) {
        return factory -> {
            if (audience == Audience.THIS_MACHINE) {
                InetAddress address = server.getAddress();
                if (address != null && !address.isLoopbackAddress()) {
                    throw new InvalidConfigurationPropertyValueException(
                            "server.address",
                            address.getHostAddress(),
                            "Anybody could call: there is neither an API key nor an issuer of tokens. Make a key with"
                                    + " `java -jar darkroom.jar keys create NAME` (or set darkroom.api-keys), or set"
                                    + " spring.security.oauth2.resourceserver.jwt.issuer-uri, or, if a gateway in front"
                                    + " asks callers who they are, set darkroom.anonymous=true. Without"
                                    + " server.address only this machine is served.");
                }
                if (address == null) {
                    Loopback.listen(factory);
                }
            }
            log.info(
                    switch (audience) {
                        case KNOWN -> "Serving callers with an API key or a token";
                        case ANYBODY -> "Serving anybody: darkroom.anonymous is set";
                        case THIS_MACHINE -> "Serving this machine only: there is neither an API key nor an issuer";
                    });
        };
    }

    /** Health is for everybody who reaches it; the rest only on a port of its own, or for known callers. */
    @Bean
    @Order(1)
    SecurityFilterChain actuator(
            HttpSecurity http,
            Audience audience,
            Environment environment,
            Refusals refusals,
            AuthenticationManager callers)
            throws Exception {
        boolean ownPort = ManagementPortType.get(environment) == ManagementPortType.DIFFERENT;
        common(http.securityMatcher(EndpointRequest.toAnyEndpoint()), refusals);
        if (ownPort || audience != Audience.KNOWN) {
            return http.authorizeHttpRequests(requests -> requests.anyRequest().permitAll())
                    .build();
        }
        return bearer(http, callers, refusals)
                .authorizeHttpRequests(requests -> requests.requestMatchers(EndpointRequest.to(HealthEndpoint.class))
                        .permitAll()
                        .anyRequest()
                        .authenticated())
                .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain api(
            HttpSecurity http,
            Audience audience,
            ApiSettings settings,
            Refusals refusals,
            AuthenticationManager callers)
            throws Exception {
        common(http, refusals);
        if (!settings.corsOrigins().isEmpty()) {
            http.addFilter(new CorsFilter(pages(settings.corsOrigins())));
        }
        if (audience != Audience.KNOWN) {
            return http.authorizeHttpRequests(requests -> requests.anyRequest().permitAll())
                    .build();
        }
        return bearer(http, callers, refusals)
                .authorizeHttpRequests(
                        requests -> requests.dispatcherTypeMatchers(DispatcherType.ASYNC, DispatcherType.ERROR)
                                .permitAll() // of a request that was let in or refused before
                                .requestMatchers(DOCUMENTATION)
                                .permitAll()
                                .requestMatchers(SIGNED_PICTURES + "**")
                                .permitAll() // the signature is all that is asked for
                                .requestMatchers("/v1/models/**")
                                .authenticated()
                                .requestMatchers(request -> scope(request) == Scope.JOBS_READ)
                                .hasAuthority(authority(Scope.JOBS_READ))
                                .anyRequest()
                                .hasAuthority(authority(Scope.IMAGES_WRITE)))
                .build();
    }

    /** Scripts of other pages get what they would without this: nothing that their browser lets them see. */
    private static CorsConfigurationSource pages(List<String> origins) {
        CorsConfiguration allowed = new CorsConfiguration();
        allowed.setAllowedOrigins(origins);
        allowed.setAllowedMethods(List.of("GET", "HEAD", "POST", "DELETE"));
        allowed.setAllowedHeaders(List.of(CorsConfiguration.ALL));
        allowed.setExposedHeaders(List.of(CorsConfiguration.ALL));
        allowed.setMaxAge(Duration.ofHours(1));
        if (!origins.contains(CorsConfiguration.ALL)) {
            allowed.setAllowPrivateNetwork(true);
        }
        return request -> CorsUtils.isPreFlightRequest(request)
                        || allowed.checkOrigin(request.getHeader(HttpHeaders.ORIGIN)) != null
                ? allowed
                : null;
    }

    /** The scope that a request needs: to read, or to post and cancel. */
    static Scope scope(HttpServletRequest request) {
        return isReading(request) ? Scope.JOBS_READ : Scope.IMAGES_WRITE;
    }

    static boolean isReading(HttpServletRequest request) {
        return Set.of("GET", "HEAD", "OPTIONS").contains(request.getMethod());
    }

    static String method(HttpServletRequest request) {
        String method = request.getMethod();
        return method.matches("[A-Z]{1,10}") ? method : "-";
    }

    /** As Spring makes it of a token's {@code scope}. */
    static String authority(Scope scope) {
        return "SCOPE_" + scope.id();
    }

    private static HttpSecurity common(HttpSecurity http, Refusals refusals) throws Exception {
        return http.csrf(AbstractHttpConfigurer::disable) // there are no cookies to forge requests with
                .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                .requestCache(AbstractHttpConfigurer::disable)
                .logout(AbstractHttpConfigurer::disable)
                .exceptionHandling(
                        handling -> handling.authenticationEntryPoint(refusals).accessDeniedHandler(refusals))
                .headers(headers -> headers.referrerPolicy(referrer -> referrer.policy(ReferrerPolicy.NO_REFERRER))
                        .contentTypeOptions(withDefaults())
                        .cacheControl(withDefaults())
                        .frameOptions(frames -> frames.deny())
                        .addHeaderWriter((request, response) -> response.setHeader(
                                "Content-Security-Policy",
                                request.getRequestURI().startsWith("/swagger-ui") ? PAGE_CONTENT : API_CONTENT)));
    }

    private static HttpSecurity bearer(HttpSecurity http, AuthenticationManager callers, Refusals refusals)
            throws Exception {
        return http.oauth2ResourceServer(server -> server.authenticationManagerResolver(request -> callers)
                .bearerTokenResolver(new Credentials())
                .authenticationEntryPoint(refusals)
                .accessDeniedHandler(refusals)
                .withObjectPostProcessor(new ObjectPostProcessor<BearerTokenAuthenticationFilter>() {
                    @Override
                    public <F extends BearerTokenAuthenticationFilter> F postProcess(F filter) {
                        AuthenticationEntryPointFailureHandler handler =
                                new AuthenticationEntryPointFailureHandler(refusals);
                        handler.setRethrowAuthenticationServiceException(false);
                        filter.setAuthenticationFailureHandler(handler);
                        return filter;
                    }
                }));
    }

    /** Keys by their prefix, everything else is a token of the issuer. */
    @Bean
    AuthenticationManager callers(ApiKeys keys, ObjectProvider<JwtDecoder> decoder) {
        JwtDecoder tokens = decoder.getIfAvailable();
        JwtAuthenticationProvider issuer = tokens == null ? null : new JwtAuthenticationProvider(tokens);
        return authentication -> {
            String bearer = ((BearerTokenAuthenticationToken) authentication).getToken();
            return bearer.startsWith(ApiKey.PREFIX) ? key(keys, bearer) : token(issuer, authentication);
        };
    }

    private static Authentication key(ApiKeys keys, String bearer) {
        try {
            return new KeyAuthentication(keys.authenticate(bearer));
        } catch (InvalidKey e) {
            throw new Refusals.BadCredentials(String.valueOf(e.getMessage()));
        } catch (DataAccessException e) {
            log.error(
                    "The database does not say whether a key is good: {}",
                    e.getClass().getSimpleName());
            throw new AuthenticationServiceException("the database does not answer", e);
        }
    }

    private static Authentication token(@Nullable JwtAuthenticationProvider issuer, Authentication authentication) {
        if (issuer == null) {
            throw new Refusals.BadCredentials("this is not an API key, and tokens are not taken here");
        }
        Authentication caller;
        try {
            caller = issuer.authenticate(authentication);
        } catch (JwtDecoderInitializationException | AuthenticationServiceException e) {
            log.error("The issuer of tokens does not answer: {}", e.getMessage());
            throw new AuthenticationServiceException("the issuer does not answer", e);
        } catch (OAuth2AuthenticationException e) {
            throw new Refusals.BadCredentials("the token is not valid, or no longer");
        }
        if (caller instanceof JwtAuthenticationToken jwt && jwt.getToken().getExpiresAt() == null) {
            throw new Refusals.BadCredentials("the token does not say until when it is valid, in the claim exp");
        }
        if (caller == null || caller.getName() == null || caller.getName().isEmpty()) {
            throw new Refusals.BadCredentials("the token names no subject");
        }
        return caller;
    }

    @Bean
    WebMvcConfigurer beforeEveryOperation(Gate gate) {
        return new WebMvcConfigurer() {
            @Override
            public void addInterceptors(InterceptorRegistry registry) {
                registry.addInterceptor(gate).addPathPatterns(Gate.PATHS);
            }
        };
    }
}
