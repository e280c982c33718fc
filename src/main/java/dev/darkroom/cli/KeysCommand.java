package dev.darkroom.cli;

import dev.darkroom.access.ApiKey;
import dev.darkroom.access.KeyDatabase;
import dev.darkroom.access.Scope;
import dev.darkroom.job.Quota;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** {@code darkroom keys create|list|revoke} */
@Command(
        name = "keys",
        description = "Makes, lists and revokes API keys in the database that the server uses. Settings of the server,"
                + " such as --spring.datasource.url=URL or --darkroom.data-dir=DIR, are taken as well.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {KeysCommand.Create.class, KeysCommand.ListKeys.class, KeysCommand.Revoke.class})
final class KeysCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Override
    public void run() {
        throw new ParameterException(command.commandLine(), "one of create, list, revoke is missing");
    }

    /** Takes settings among its arguments; anything else that is not known is an error. */
    abstract static class OnDatabase implements Runnable {
        @Spec
        @SuppressWarnings("NullAway.Init")
        private CommandSpec command;

        @Unmatched
        private List<String> given = new ArrayList<>();

        final PrintWriter out() {
            return command.commandLine().getOut();
        }

        final PrintWriter err() {
            return command.commandLine().getErr();
        }

        final ParameterException wrong(String message) {
            return new ParameterException(command.commandLine(), message);
        }

        final KeyDatabase open() {
            checkSettings();
            return KeyDatabase.open(given);
        }

        final void checkSettings() {
            for (String argument : given) {
                if (!argument.matches("--(spring|darkroom)\\.[^=]+=.*")) {
                    throw wrong("Unknown argument: '" + argument + "'");
                }
            }
        }
    }

    /** {@code darkroom keys create NAME} */
    @Command(
            name = "create",
            description = "Makes a key and prints it; it is kept nowhere and never shown again.",
            mixinStandardHelpOptions = true)
    static final class Create extends OnDatabase {
        @Parameters(paramLabel = "NAME", description = "For people: letters, digits, dots, hyphens, underscores.")
        @SuppressWarnings("NullAway.Init")
        private String name;

        @Option(
                names = "--scopes",
                paramLabel = "SCOPES",
                defaultValue = "images:write,jobs:read",
                description = "images:write (post and cancel jobs), jobs:read (read one's own); default:"
                        + " ${DEFAULT-VALUE}.")
        @SuppressWarnings("NullAway.Init")
        private String scopes;

        @Option(
                names = "--expires",
                paramLabel = "TIME",
                description = "Good for so long: 90d, 12h; default: for ever.")
        private @Nullable String expires;

        @Option(
                names = "--rate",
                paramLabel = "N/min",
                description = "Requests a minute, counted by each server process for itself.")
        private @Nullable String rate;

        @Option(names = "--concurrent", paramLabel = "N", description = "Jobs that have not ended.")
        private @Nullable Integer concurrent;

        @Option(names = "--daily", paramLabel = "N", description = "Pictures a day, UTC.")
        private @Nullable Integer daily;

        @Option(names = "--setting", description = "Touch no database; print what to add to darkroom.api-keys as well.")
        private boolean setting;

        @Override
        public void run() {
            checkSettings();
            ApiKey.Created made = create();
            PrintWriter out = out();
            if (setting) {
                out.println(made.key());
                out.println(made.kept().toSetting());
                return;
            }
            try (KeyDatabase database = open()) {
                database.keys().add(made.kept());
            }
            out.println(made.key());
            err().println("This is shown once. Servers that had no key before ask for one after their next start.");
        }

        private ApiKey.Created create() {
            try {
                Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
                Set<Scope> allowed = Scope.parse(scopes);
                return ApiKey.create(
                        name,
                        allowed,
                        now,
                        expires == null ? null : now.plus(time(expires)),
                        rate == null ? null : perMinute(rate),
                        new Quota(concurrent, daily));
            } catch (IllegalArgumentException e) {
                throw wrong(String.valueOf(e.getMessage()));
            }
        }

        private static Duration time(String text) {
            if (!text.matches("[1-9][0-9]{0,4}[dh]")) {
                throw new IllegalArgumentException(
                        "--expires must be a number of days or hours, such as 90d or 12h; given: \"" + text + "\"");
            }
            long number = Long.parseLong(text.substring(0, text.length() - 1));
            return text.endsWith("d") ? Duration.ofDays(number) : Duration.ofHours(number);
        }

        private static int perMinute(String text) {
            if (!text.matches("[1-9][0-9]{0,6}(/min)?")) {
                throw new IllegalArgumentException(
                        "--rate must be requests a minute, such as 60/min; given: \"" + text + "\"");
            }
            return Integer.parseInt(text.replace("/min", ""));
        }
    }

    /** {@code darkroom keys list} */
    @Command(name = "list", description = "Lists the keys of the database.", mixinStandardHelpOptions = true)
    static final class ListKeys extends OnDatabase {
        @Override
        public void run() {
            List<ApiKey> keys;
            try (KeyDatabase database = open()) {
                keys = database.keys().list();
            }
            PrintWriter out = out();
            Instant now = Instant.now();
            keys.forEach(key -> out.printf(
                    "%s  %-20s  %-8s  %s%s%s%s%s%n",
                    key.id(),
                    key.name(),
                    state(key, now),
                    String.join(",", key.scopes().stream().map(Scope::id).toList()),
                    told("  until ", key.expiresAt()),
                    told("  requests/min ", key.requestsPerMinute()),
                    told("  jobs ", key.quota().openJobs()),
                    told("  pictures/day ", key.quota().picturesPerDay())));
        }

        private static String state(ApiKey key, Instant now) {
            return key.revokedAt() != null
                    ? "revoked"
                    : key.expiresAt() != null && !now.isBefore(key.expiresAt()) ? "expired" : "good";
        }

        private static String told(String name, @Nullable Object value) {
            return value == null ? "" : name + value;
        }
    }

    /** {@code darkroom keys revoke ID} */
    @Command(
            name = "revoke",
            description = "Revokes a key; from then on no server takes it. What it began goes on.",
            mixinStandardHelpOptions = true)
    static final class Revoke extends OnDatabase {
        @Parameters(paramLabel = "ID", description = "As `keys list` shows it: the part after dk_.")
        @SuppressWarnings("NullAway.Init")
        private String id;

        @Override
        public void run() {
            try (KeyDatabase database = open()) {
                if (!database.keys().revoke(id)) {
                    throw new IllegalStateException("there is no key " + id + " in the database");
                }
            }
            out().println("revoked " + id);
        }
    }
}
