package dev.darkroom.access;

import dev.darkroom.job.Quota;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * The API keys: rows of the database, and entries of {@code darkroom.api-keys}. Each use of a key looks at its row, so that
 * one that is revoked is of no use from that moment on, to any process.
 */
@Component
public class ApiKeys {

    private static final String KEY =
            "select id, hash, name, scopes, created_at, expires_at, revoked_at, requests_per_minute, open_jobs,"
                    + " pictures_per_day from api_key";

    private final JdbcClient sql;
    private final InstantSource clock;
    private final Map<String, ApiKey> ofSettings;

    ApiKeys(JdbcClient sql, InstantSource clock, AccessSettings settings) {
        this.sql = sql;
        this.clock = clock;
        this.ofSettings = settings.keys().stream().collect(Collectors.toMap(ApiKey::id, Function.identity()));
    }

    /**
     * The key of these characters.
     *
     * @throws InvalidKey if it is malformed, unknown, revoked or has expired
     */
    public ApiKey authenticate(String key) throws InvalidKey {
        ApiKey.Parts parts = ApiKey.Parts.of(key);
        ApiKey known = Optional.ofNullable(ofSettings.get(parts.id()))
                .or(() -> find(parts.id()))
                .filter(candidate -> candidate.has(parts.secret()))
                .orElseThrow(() -> new InvalidKey("the API key is not known"));
        if (known.revokedAt() != null) {
            throw new InvalidKey("the API key was revoked");
        }
        if (known.expiresAt() != null && !clock.instant().isBefore(known.expiresAt())) {
            throw new InvalidKey("the API key has expired");
        }
        return known;
    }

    /** Whether there is or was one: with its last key gone a service is closed, not open to all. */
    public boolean any() {
        return !ofSettings.isEmpty()
                || sql.sql("select count(*) from api_key").query(Integer.class).single() > 0;
    }

    /** Keeps a new key. */
    public void add(ApiKey key) {
        sql.sql("""
                        insert into api_key (id, hash, name, scopes, created_at, expires_at,
                            requests_per_minute, open_jobs, pictures_per_day)
                        values (?, ?, ?, ?, ?, ?, ?, ?, ?)""")
                .param(key.id())
                .param(key.hash())
                .param(key.name())
                .param(Scope.join(key.scopes(), " "))
                .param(utc(key.createdAt() == null ? clock.instant() : key.createdAt()))
                .param(key.expiresAt() == null ? null : utc(key.expiresAt()))
                .param(key.requestsPerMinute())
                .param(key.quota().openJobs())
                .param(key.quota().picturesPerDay())
                .update();
    }

    /** The keys of the database, the oldest first, revoked and expired ones too. */
    public List<ApiKey> list() {
        return sql.sql(KEY + " order by created_at, id").query(ApiKeys::key).list();
    }

    /**
     * Makes a key useless; one that is revoked already stays as it is.
     *
     * @return whether the database has that key
     */
    public boolean revoke(String id) {
        return sql.sql("update api_key set revoked_at = coalesce(revoked_at, ?) where id = ?")
                        .params(utc(clock.instant()), id)
                        .update()
                == 1;
    }

    private Optional<ApiKey> find(String id) {
        return sql.sql(KEY + " where id = ?").param(id).query(ApiKeys::key).optional();
    }

    private static ApiKey key(ResultSet row, int number) throws SQLException {
        return new ApiKey(
                row.getString("id"),
                row.getString("hash"),
                row.getString("name"),
                Scope.parse(row.getString("scopes")),
                instant(row, "created_at"),
                instant(row, "expires_at"),
                instant(row, "revoked_at"),
                row.getObject("requests_per_minute", Integer.class),
                new Quota(row.getObject("open_jobs", Integer.class), row.getObject("pictures_per_day", Integer.class)));
    }

    private static @Nullable Instant instant(ResultSet row, String column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    private static OffsetDateTime utc(Instant time) {
        return time.atOffset(ZoneOffset.UTC);
    }
}
