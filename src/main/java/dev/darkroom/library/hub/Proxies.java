package dev.darkroom.library.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The proxies that the environment names, as curl and Python's clients read it: {@code HTTPS_PROXY}, {@code HTTP_PROXY} and
 * {@code ALL_PROXY}, and the hosts in {@code NO_PROXY} that are asked directly; lower-case names go first. Where it names
 * none, Java's own settings hold ({@code -Dhttps.proxyHost}).
 */
final class Proxies extends ProxySelector {
    private static final Pattern ADDRESS = Pattern.compile("(?:(?<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?"
            + "(?:(?<user>[^@/]*)@)?(?<host>[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(?::(?<port>\\d{1,5}))?/?");
    private static final int DEFAULT_PORT = 80;

    /** The JDK sends no password to a proxy in front of an https host unless this is empty; read once, at the first request. */
    private static final String TUNNELING = "jdk.http.auth.tunneling.disabledSchemes";

    /** @param authorization the header's value; null where the address has no user */
    private record Named(String host, int port, @Nullable String authorization) {}

    private final Map<String, Named> byScheme = new HashMap<>();
    private final List<String> direct;

    private Proxies(List<String> direct) {
        this.direct = direct;
    }

    /** @throws IllegalArgumentException if a variable is not the address of an HTTP proxy; its text is not repeated */
    static Proxies of(Map<String, String> environment) {
        String none = variable(environment, "NO_PROXY").orElse("");
        Proxies proxies =
                new Proxies(Arrays.stream(none.toLowerCase(Locale.ROOT).split("[,\\s]+"))
                        .filter(host -> !host.isEmpty())
                        .toList());
        for (String scheme : List.of("http", "https")) {
            for (String name : List.of("ALL_PROXY", scheme.toUpperCase(Locale.ROOT) + "_PROXY")) {
                variable(environment, name).ifPresent(text -> proxies.byScheme.put(scheme, named(name, text)));
            }
        }
        if (proxies.byScheme.values().stream().anyMatch(named -> named.authorization != null)
                && System.getProperty(TUNNELING) == null) {
            System.setProperty(TUNNELING, "");
        }
        return proxies;
    }

    private static Optional<String> variable(Map<String, String> environment, String name) {
        String lower = environment.getOrDefault(name.toLowerCase(Locale.ROOT), "");
        String text = (lower.isBlank() ? environment.getOrDefault(name, "") : lower).strip();
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    private static Named named(String variable, String text) {
        Matcher address = ADDRESS.matcher(text);
        String scheme = address.matches() && address.group("scheme") != null ? address.group("scheme") : "http";
        if (!address.matches() || !scheme.equalsIgnoreCase("http")) {
            throw new IllegalArgumentException(variable + " must be http://host:port or http://user:password@host:port"
                    + (address.matches() ? "; a proxy that is spoken to by " + scheme + " is not supported" : ""));
        }
        int port = address.group("port") == null ? DEFAULT_PORT : Integer.parseInt(address.group("port"));
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException(variable + " must have a port from 1 to 65535");
        }
        return new Named(address.group("host"), port, authorization(variable, address.group("user")));
    }

    private static @Nullable String authorization(String variable, @Nullable String user) {
        if (user == null || user.isEmpty()) {
            return null;
        }
        try {
            String plain = URLDecoder.decode(user.replace("+", "%2B"), StandardCharsets.UTF_8);
            String both = plain.contains(":") ? plain : plain + ":";
            return "Basic " + Base64.getEncoder().encodeToString(both.getBytes(StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(variable + ": its user and password must be percent-encoded", e);
        }
    }

    private Optional<Named> named(URI uri) {
        return isDirect(uri)
                ? Optional.empty()
                : Optional.ofNullable(byScheme.get(uri.getScheme().toLowerCase(Locale.ROOT)));
    }

    /** Names hold for what is below them, too; an entry may have a dot or {@code *.} in front and a port behind. */
    private boolean isDirect(URI uri) {
        String host = uri.getHost().toLowerCase(Locale.ROOT).replaceAll("^\\[|\\]$", "");
        int port = uri.getPort() > 0 ? uri.getPort() : uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
        for (String entry : direct) {
            if (entry.equals("*")) {
                return true;
            }
            String name = entry.endsWith(":" + port)
                    ? entry.substring(0, entry.length() - String.valueOf(port).length() - 1)
                    : entry;
            name = name.replaceAll("^\\[|\\]$", "").replaceFirst("^\\*?\\.", "");
            if (host.equals(name) || host.endsWith("." + name) || isWithin(host, name)) {
                return true;
            }
        }
        return false;
    }

    /** Whether an IPv4 address is of a network such as {@code 10.0.0.0/8}. */
    private static boolean isWithin(String host, String network) {
        Matcher cidr = Pattern.compile("(\\d+\\.\\d+\\.\\d+\\.\\d+)/(\\d{1,2})").matcher(network);
        if (!cidr.matches() || !host.matches("\\d+\\.\\d+\\.\\d+\\.\\d+") || Integer.parseInt(cidr.group(2)) > 32) {
            return false;
        }
        int bits = Integer.parseInt(cidr.group(2));
        long mask = bits == 0 ? 0 : -1L << (32 - bits);
        return (number(host) & mask) == (number(cidr.group(1)) & mask);
    }

    private static long number(String address) {
        long number = 0;
        for (String part : address.split("\\.")) {
            number = number << 8 | Long.parseLong(part.substring(0, Math.min(3, part.length()))) & 255;
        }
        return number;
    }

    /** The value of {@code Proxy-Authorization} for a request, if a proxy wants one. */
    Optional<String> authorization(URI uri) {
        return named(uri).map(Named::authorization);
    }

    /** Where a request goes, for messages: the proxy's address, or nothing. */
    String by(URI uri) {
        return named(uri)
                .map(proxy -> " by the proxy " + proxy.host + ":" + proxy.port)
                .orElse("");
    }

    @Override
    public List<Proxy> select(URI uri) {
        return named(uri)
                .map(proxy -> List.of(new Proxy(
                        Proxy.Type.HTTP,
                        InetSocketAddress.createUnresolved(proxy.host.replaceAll("^\\[|\\]$", ""), proxy.port))))
                .orElseGet(() -> javas(uri));
    }

    private List<Proxy> javas(URI uri) {
        ProxySelector javas = ProxySelector.getDefault();
        return isDirect(uri) || javas == null ? List.of(Proxy.NO_PROXY) : javas.select(uri);
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
        // Said by whoever sent the request.
    }
}
