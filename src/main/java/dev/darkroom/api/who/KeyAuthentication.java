package dev.darkroom.api.who;

import dev.darkroom.access.ApiKey;
import java.util.List;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.authority.SimpleGrantedAuthority;

/** A caller with a good API key. */
final class KeyAuthentication extends AbstractAuthenticationToken {

    private static final long serialVersionUID = 1L;

    private final transient ApiKey key;

    KeyAuthentication(ApiKey key) {
        super(List.copyOf(key.scopes().stream()
                .map(scope -> new SimpleGrantedAuthority(SecurityConfiguration.authority(scope)))
                .toList()));
        this.key = key;
        setAuthenticated(true);
    }

    ApiKey key() {
        return key;
    }

    /** The key itself is not kept. */
    @Override
    public Object getCredentials() {
        return "";
    }

    @Override
    public Object getPrincipal() {
        return "key:" + key.id();
    }
}
