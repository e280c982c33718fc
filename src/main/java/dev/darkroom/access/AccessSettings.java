package dev.darkroom.access;

import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Who may call.
 *
 * @param anonymous whether anybody may call from anywhere while there is neither a key nor an issuer of tokens; otherwise
 *     only this machine may. For people whose gateway asks callers who they are
 * @param apiKeys keys beside those of the database, as {@code keys create --setting} prints them
 */
@ConfigurationProperties("darkroom")
public record AccessSettings(
        @DefaultValue("false") boolean anonymous,
        @DefaultValue List<String> apiKeys) {

    /** @throws IllegalArgumentException if an entry cannot be read */
    List<ApiKey> keys() {
        List<ApiKey> keys = new ArrayList<>();
        for (int i = 0; i < apiKeys.size(); i++) {
            try {
                keys.add(ApiKey.parse(apiKeys.get(i)));
            } catch (RuntimeException e) {
                throw new IllegalArgumentException(
                        "entry " + (i + 1) + " of darkroom.api-keys must be what `keys create --setting` prints: "
                                + e.getMessage(),
                        e);
            }
        }
        return keys;
    }
}
