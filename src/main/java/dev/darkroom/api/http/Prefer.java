package dev.darkroom.api.http;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The {@code Prefer} header (RFC 7240), as far as it concerns us: {@code wait=N}, {@code respond-async} and our own
 * {@code cancel-on-disconnect}. Other preferences are none of our business and ignored, as the RFC asks.
 *
 * @param atMost how long the client wants to wait for the result; {@code null} if it did not say
 * @param cancelOnDisconnect whether the job is canceled if the client hangs up while it waits
 * @param applied value of the answer's {@code Preference-Applied}, or {@code null}
 */
public record Prefer(
        @Nullable Duration atMost,
        boolean cancelOnDisconnect,
        @Nullable String applied) {

    public static final int MAX_WAIT_SECONDS = 60;

    /** @throws Problem if {@code wait} is not a whole number of seconds within bounds */
    public static Prefer parse(@Nullable String header) {
        if (header == null) {
            return new Prefer(null, false, null);
        }
        boolean async = false;
        boolean cancelOnDisconnect = false;
        Integer wait = null;
        for (String preference : header.split(",")) {
            String[] parts = preference.split(";", 2)[0].split("=", 2);
            switch (parts[0].trim().toLowerCase(Locale.ROOT)) {
                case "wait" -> wait = wait == null ? seconds(parts.length == 2 ? parts[1] : "") : wait;
                case "respond-async" -> async = true;
                case "cancel-on-disconnect" -> cancelOnDisconnect = true;
                default -> {}
            }
        }
        List<String> applied = new ArrayList<>();
        if (wait != null) {
            applied.add("wait=" + wait);
        } else if (async) {
            applied.add("respond-async");
        }
        if (cancelOnDisconnect) {
            applied.add("cancel-on-disconnect");
        }
        return new Prefer(
                wait == null ? null : Duration.ofSeconds(wait),
                cancelOnDisconnect,
                applied.isEmpty() ? null : String.join(", ", applied));
    }

    /** How long to wait, where {@code otherwise} is for clients that did not say. */
    public Duration atMost(Duration otherwise) {
        return atMost == null ? otherwise : atMost;
    }

    private static int seconds(String value) {
        String number = value.trim().replaceAll("^\"(.*)\"$", "$1");
        if (number.isEmpty()) {
            return MAX_WAIT_SECONDS; // as long as we wait at all
        }
        if (!number.matches("[0-9]{1,9}") || Integer.parseInt(number) > MAX_WAIT_SECONDS) {
            throw new Problem(
                    Problem.Code.INVALID_PREFER,
                    "wait in the Prefer header must be a whole number of seconds between 0 and " + MAX_WAIT_SECONDS
                            + "; given: " + number);
        }
        return Integer.parseInt(number);
    }
}
