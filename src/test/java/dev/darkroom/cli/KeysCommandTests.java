package dev.darkroom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code keys} on an embedded database. */
class KeysCommandTests {
    @TempDir
    private Path data;

    private record Result(int status, String out, String err) {}

    private Result keys(String... arguments) {
        List<String> all = new ArrayList<>(List.of("keys"));
        all.addAll(List.of(arguments));
        all.add("--darkroom.data-dir=" + data);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream outBefore = System.out;
        PrintStream errBefore = System.err;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            int status = CommandLineInterface.run(all.toArray(String[]::new));
            return new Result(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(outBefore);
            System.setErr(errBefore);
        }
    }

    @Test
    void aKeyIsShownOnceListedAndRevoked() throws SQLException, IOException {
        Result made = keys(
                "create",
                "gateway",
                "--scopes",
                "jobs:read",
                "--expires",
                "90d",
                "--rate",
                "60/min",
                "--concurrent",
                "4",
                "--daily",
                "100");
        assertThat(made.status()).as(made.err()).isZero();
        assertThat(made.out().strip()).matches("dk_[0-9a-f]{10}_[A-Za-z0-9_-]{43}");
        String id = made.out().strip().substring(3, 13);
        String secret = made.out().strip().substring(14);

        Result listed = keys("list");
        assertThat(listed.out().strip().lines())
                .singleElement()
                .asString()
                .startsWith(id + "  gateway ")
                .contains("  good ", "jobs:read", "  until 2", "requests/min 60", "jobs 4", "pictures/day 100")
                .doesNotContain(secret);

        assertThat(keys("revoke", id).out().strip()).isEqualTo("revoked " + id);
        assertThat(keys("list").out()).contains("  revoked ");
        assertThat(keys("revoke", "0000000000"))
                .isEqualTo(new Result(1, "", "darkroom: there is no key 0000000000 in the database\n"));

        try (Connection database =
                        DriverManager.getConnection("jdbc:h2:file:" + data.resolve("db/darkroom"), "sa", "");
                ResultSet row = database.createStatement().executeQuery("select hash from api_key")) {
            assertThat(row.next()).isTrue();
            assertThat(row.getString(1)).matches("[0-9a-f]{64}");
        }
        assertThat(Files.readString(data.resolve("db/darkroom.mv.db"), StandardCharsets.ISO_8859_1))
                .doesNotContain(secret);
    }

    @Test
    void aKeyForTheSettingTouchesNoDatabase() {
        Result made = keys("create", "gateway", "--setting", "--daily", "5");
        List<String> lines = made.out().strip().lines().toList();
        assertThat(lines).hasSize(2);
        assertThat(lines.get(1))
                .matches("id=" + lines.get(0).substring(3, 13)
                        + " hash=[0-9a-f]{64} name=gateway scopes=images:write\\+jobs:read daily=5")
                .doesNotContain(lines.get(0).substring(14));
        assertThat(data).isEmptyDirectory();
    }

    @Test
    void whatIsWrongIsSaid() {
        assertThat(keys("create", "a b").err()).contains("the name of a key must be 1 to 64 letters", "given: \"a b\"");
        assertThat(keys("create", "x", "--scopes", "all").err())
                .contains("scopes must be some of images:write, jobs:read; given: \"all\"");
        assertThat(keys("create", "x", "--expires", "soon").err()).contains("--expires must be a number of days");
        assertThat(keys("create", "x", "--rate", "0").err()).contains("--rate must be requests a minute");
        assertThat(keys("create", "x", "--daily", "0").err()).contains("at least 1; given: 0");
        assertThat(keys("create", "x", "--expire", "90d").err()).contains("Unknown argument: '--expire'");
        assertThat(keys("create", "x", "--expire=90d"))
                .extracting(Result::status)
                .isEqualTo(2);
        assertThat(CommandLineInterface.run("keys")).isEqualTo(2);
        assertThat(data).isEmptyDirectory();
    }
}
