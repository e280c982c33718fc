package dev.darkroom.access;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Signatures (HMAC with SHA-256, RFC 2104) that let whoever has them do one thing without credentials. The key is a row of
 * the database, made by the process that needs it first, so that any process knows another's signatures.
 */
@Component
public class Signatures {

    private static final String ALGORITHM = "HmacSHA256";
    private static final int KEY_BYTES = 32;

    private final JdbcClient sql;
    private volatile @Nullable SecretKeySpec key;

    Signatures(JdbcClient sql) {
        this.sql = sql;
    }

    /** 43 characters that may be in a path. */
    public String sign(String text) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key());
            return Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal(bytes(text)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has " + ALGORITHM, e);
        }
    }

    /** Takes the same time whatever is wrong with the signature. */
    public boolean isOf(String text, String signature) {
        return MessageDigest.isEqual(bytes(sign(text)), bytes(signature));
    }

    private SecretKeySpec key() {
        SecretKeySpec known = key;
        if (known == null) {
            String value = kept().orElseGet(this::make);
            known = new SecretKeySpec(HexFormat.of().parseHex(value), ALGORITHM);
            key = known;
        }
        return known;
    }

    private String make() {
        byte[] random = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(random);
        try {
            sql.sql("insert into signing_key (id, secret) values (1, ?)")
                    .param(HexFormat.of().formatHex(random))
                    .update();
        } catch (DuplicateKeyException e) {
            // Another process or thread was faster.
        }
        return kept().orElseThrow();
    }

    private Optional<String> kept() {
        return sql.sql("select secret from signing_key where id = 1")
                .query(String.class)
                .optional();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
