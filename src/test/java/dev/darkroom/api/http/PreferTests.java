package dev.darkroom.api.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PreferTests {

    @Test
    void readsWaitAmongOtherPreferences() {
        Prefer prefer = Prefer.parse("return=minimal, respond-async,  Wait = \"10\"; foo=bar, wait=20");
        assertThat(prefer).isEqualTo(new Prefer(Duration.ofSeconds(10), false, "wait=10"));
    }

    @Test
    void appliesRespondAsync() {
        assertThat(Prefer.parse("respond-async")).isEqualTo(new Prefer(null, false, "respond-async"));
    }

    @Test
    void cancelsOnDisconnectIfAsked() {
        assertThat(Prefer.parse("wait=10, cancel-on-disconnect"))
                .isEqualTo(new Prefer(Duration.ofSeconds(10), true, "wait=10, cancel-on-disconnect"));
    }

    @Test
    void leavesWhatItDoesNotKnowUnapplied() {
        assertThat(Prefer.parse("handling=strict")).isEqualTo(new Prefer(null, false, null));
        assertThat(Prefer.parse(null)).isEqualTo(new Prefer(null, false, null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"wait", "wait=", "Wait = \"\"", "respond-async, wait; foo"})
    void waitsAsLongAsItCanWhereNoNumberIsGiven(String header) {
        assertThat(Prefer.parse(header)).isEqualTo(new Prefer(Duration.ofSeconds(60), false, "wait=60"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"wait=-1", "wait=61", "wait=1.5", "wait=ten", "wait=99999999999"})
    void refusesAWaitThatIsNoWholeNumberUpTo60(String header) {
        assertThatThrownBy(() -> Prefer.parse(header))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("between 0 and 60");
    }
}
