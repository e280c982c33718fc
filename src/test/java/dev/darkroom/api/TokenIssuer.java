package dev.darkroom.api;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.jspecify.annotations.Nullable;

/** An issuer of tokens on this machine: its configuration, its keys, and tokens of it. */
public final class TokenIssuer {

    private final HttpServer server;
    private final RSAKey key;
    private final RSAKey foreignKey;

    /** One whose name is its address. */
    TokenIssuer() {
        this(new String[0]);
    }

    /** @param names under which it is reached, addresses of https perhaps, that lead here */
    public TokenIssuer(String... names) {
        try {
            key = new RSAKeyGenerator(2048).keyID("one").generate();
            foreignKey = new RSAKeyGenerator(2048).keyID("one").generate();
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException | JOSEException e) {
            throw new AssertionError(e);
        }
        for (String name : names.length == 0 ? new String[] {uri()} : names) {
            serve(URI.create(name).getPath() + "/.well-known/openid-configuration", """
                    {"issuer":"%s","jwks_uri":"%s/keys","subject_types_supported":["public"],
                     "response_types_supported":["code"],"id_token_signing_alg_values_supported":["RS256"],
                     "authorization_endpoint":"%s/authorize"}""".formatted(name, name, name));
            if (!URI.create(name).getPath().isEmpty()) {
                serve(URI.create(name).getPath() + "/keys", new JWKSet(key.toPublicJWK()).toString());
            }
        }
        serve("/keys", new JWKSet(key.toPublicJWK()).toString());
        server.start();
    }

    private void serve(String path, String json) {
        server.createContext(path, exchange -> {
            byte[] body = json.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
    }

    public String uri() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    /** A token of the issuer with one of the names. */
    public String tokenOf(String name, String subject, String scope) {
        return sign(key, name, subject, scope, Duration.ofMinutes(30));
    }

    public String token(String subject, String scope) {
        return sign(key, uri(), subject, scope, Duration.ofMinutes(5));
    }

    public String expired(String subject, String scope) {
        return sign(key, uri(), subject, scope, Duration.ofMinutes(-5));
    }

    public String ofAnotherIssuer(String subject, String scope) {
        return sign(key, "https://elsewhere.example", subject, scope, Duration.ofMinutes(5));
    }

    public String withoutSubject(String scope) {
        return sign(key, uri(), null, scope, Duration.ofMinutes(5));
    }

    /** Signed with a key that the issuer does not have. */
    public String forged(String subject, String scope) {
        return sign(foreignKey, uri(), subject, scope, Duration.ofMinutes(5));
    }

    public String withoutEnd(String subject, String scope) {
        return sign(key, uri(), subject, scope, null);
    }

    private static String sign(
            RSAKey key, String issuer, @Nullable String subject, String scope, @Nullable Duration valid) {
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("one").build(),
                new JWTClaimsSet.Builder()
                        .issuer(issuer)
                        .subject(subject)
                        .claim("scope", scope)
                        .expirationTime(
                                valid == null ? null : Date.from(Instant.now().plus(valid)))
                        .build());
        try {
            token.sign(new RSASSASigner(key));
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
        return token.serialize();
    }
}
