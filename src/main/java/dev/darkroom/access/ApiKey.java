package dev.darkroom.access;

import dev.darkroom.job.Quota;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of an API key. The key itself, {@code dk_<id>_<secret>}, has 256 random bits, which nobody finds by trying;
 * so one round of SHA-256 hides it as well as a slow hash would.
 *
 * @param id public: names the key in lists, in the audit log and as the owner of its jobs
 * @param hash SHA-256 of the secret part, hexadecimal
 * @param name for people: 1 to 64 letters, digits, dots, hyphens and underscores
 * @param expiresAt it is good before that; null for ever
 * @param requestsPerMinute null for no limit
 */
public record ApiKey(
        String id,
        String hash,
        String name,
        Set<Scope> scopes,
        @Nullable Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant revokedAt,
        @Nullable Integer requestsPerMinute,
        Quota quota) {

    /** With what every key begins. */
    public static final String PREFIX = "dk_";

    private static final int ID_BYTES = 5;
    private static final int SECRET_BYTES = 32;
    private static final Pattern KEY = Pattern.compile("dk_([0-9a-f]{10})_([A-Za-z0-9_-]{43})");
    private static final SecureRandom RANDOM = new SecureRandom();

    public ApiKey {
        check(id.matches("[0-9a-f]{10}"), "the id of a key must be 10 hexadecimal digits", id);
        check(hash.matches("[0-9a-f]{64}"), "the hash of a key must be 64 hexadecimal digits", "…");
        check(
                name.matches("[A-Za-z0-9._-]{1,64}"),
                "the name of a key must be 1 to 64 letters, digits, dots, hyphens and underscores",
                name);
        check(
                requestsPerMinute == null || requestsPerMinute > 0,
                "the requests per minute of a key must be at least 1",
                String.valueOf(requestsPerMinute));
    }

    private static void check(boolean holds, String rule, String given) {
        if (!holds) {
            throw new IllegalArgumentException(rule + "; given: \"" + given + "\"");
        }
    }

    /**
     * A key that is made: what is kept, and the key itself, which is not.
     *
     * @param key to be shown once
     */
    public record Created(ApiKey kept, String key) {}

    /**
     * Makes a key.
     *
     * @throws IllegalArgumentException if a value is outside its bounds
     */
    public static Created create(
            String name,
            Set<Scope> scopes,
            Instant now,
            @Nullable Instant expiresAt,
            @Nullable Integer requestsPerMinute,
            Quota quota) {
        String id = HexFormat.of().formatHex(random(ID_BYTES));
        String secret = Base64.getUrlEncoder().withoutPadding().encodeToString(random(SECRET_BYTES));
        ApiKey kept = new ApiKey(id, hash(secret), name, scopes, now, expiresAt, null, requestsPerMinute, quota);
        return new Created(kept, PREFIX + id + "_" + secret);
    }

    /** The two parts of a key. */
    record Parts(String id, String secret) {

        static Parts of(String key) throws InvalidKey {
            Matcher parts = KEY.matcher(key);
            if (!parts.matches()) {
                throw new InvalidKey("the API key is malformed");
            }
            return new Parts(parts.group(1), parts.group(2));
        }
    }

    /** Takes the same time whatever is wrong with the secret. */
    boolean has(String secret) {
        return MessageDigest.isEqual(
                hash(secret).getBytes(StandardCharsets.US_ASCII), hash.getBytes(StandardCharsets.US_ASCII));
    }

    /** The key as an entry of the setting {@code darkroom.api-keys}; {@link #parse} reads it. */
    public String toSetting() {
        StringBuilder entry = new StringBuilder(
                "id=" + id + " hash=" + hash + " name=" + name + " scopes=" + Scope.join(scopes, "+"));
        append(entry, "expires", expiresAt);
        append(entry, "rate", requestsPerMinute);
        append(entry, "concurrent", quota.openJobs());
        append(entry, "daily", quota.picturesPerDay());
        return entry.toString();
    }

    private static void append(StringBuilder entry, String name, @Nullable Object value) {
        if (value != null) {
            entry.append(' ').append(name).append('=').append(value);
        }
    }

    /** @throws IllegalArgumentException if it is not what {@link #toSetting} writes */
    static ApiKey parse(String entry) {
        Map<String, String> fields = new HashMap<>();
        for (String field : entry.strip().split("\\s+")) {
            String[] parts = field.split("=", 2);
            if (parts.length < 2 || fields.put(parts[0], parts[1]) != null) {
                throw new IllegalArgumentException("an entry must be fields name=value, each once");
            }
        }
        Instant expiresAt = fields.containsKey("expires") ? Instant.parse(fields.remove("expires")) : null;
        ApiKey key = new ApiKey(
                required(fields, "id"),
                required(fields, "hash"),
                required(fields, "name"),
                Scope.parse(required(fields, "scopes")),
                null,
                expiresAt,
                null,
                number(fields, "rate"),
                new Quota(number(fields, "concurrent"), number(fields, "daily")));
        if (!fields.isEmpty()) {
            throw new IllegalArgumentException("an entry has no field " + fields.keySet());
        }
        return key;
    }

    private static String required(Map<String, String> fields, String name) {
        String value = fields.remove(name);
        if (value == null) {
            throw new IllegalArgumentException("an entry must have the field " + name);
        }
        return value;
    }

    private static @Nullable Integer number(Map<String, String> fields, String name) {
        String value = fields.remove(name);
        return value == null ? null : Integer.valueOf(value);
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    private static String hash(String secret) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.US_ASCII));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Without the hash, so that it can be logged. */
    @Override
    public String toString() {
        return "key " + id + " (" + name + ")";
    }
}
