package dev.darkroom.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class SamplerStateTests {

    private static final int CHECKED = 12; // magic, version, checksum

    static List<Walk> walks() {
        return Walk.all();
    }

    @ParameterizedTest
    @MethodSource("walks")
    void goesOnToTheSameBytesFromEveryEvaluation(Walk walk) {
        Walk.End end = Walk.finish(walk.begin());
        Sampler sampler = walk.begin();
        for (int evaluation = 0; ; evaluation++) {
            SamplerState state = sampler.state();
            assertThat(state.sampler()).isEqualTo(walk.sampling().sampler());
            assertThat(state.evaluations()).isEqualTo(evaluation);
            Sampler restored = walk.restore(SamplerState.of(state.toBytes()));
            assertThat(restored.state()).isEqualTo(state);
            assertThat(Walk.finish(restored))
                    .as("from evaluation %d", evaluation)
                    .isEqualTo(end);
            if (sampler.done()) {
                break;
            }
            Walk.step(sampler);
            assertThat(sampler.state()).isNotEqualTo(state);
        }
        assertThat(Walk.finish(sampler)).as("the one that was stored").isEqualTo(end);
    }

    /** Also the private fields, which a sampler with one more might forget to remember. */
    @ParameterizedTest
    @EnumSource
    void everyFieldIsRestored(SamplerKind kind) {
        Walk walk = Walk.of(kind, 5);
        Sampler sampler = walk.begin();
        while (!sampler.done()) {
            Walk.step(sampler);
            assertThat(walk.restore(sampler.state()))
                    .usingRecursiveComparison()
                    .ignoringFields("schedule", "noise") // never changes; SeededNoiseTests
                    .withEqualsForType(Float::equals, Float.class)
                    .withEqualsForType(Double::equals, Double.class)
                    .isEqualTo(sampler);
        }
    }

    @Test
    void goesOnToTheSameBytesInAnotherProcess(@TempDir Path directory) throws Exception {
        Path begun = directory.resolve("states");
        Path found = directory.resolve("ends");
        List<String> ends = new ArrayList<>();
        try (DataOutputStream out = new DataOutputStream(Files.newOutputStream(begun))) {
            List<Walk> walks = Walk.all();
            for (int number = 0; number < walks.size(); number++) {
                Sampler sampler = walks.get(number).begin();
                int states = 1;
                for (; !sampler.done(); states++) {
                    write(out, number, sampler.state().toBytes());
                    Walk.step(sampler);
                }
                write(out, number, sampler.state().toBytes());
                ends.addAll(Collections.nCopies(states, Walk.finish(sampler).toString()));
            }
            out.writeInt(-1);
        }
        // By the other compiler: processes compile at other times.
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        RestoreProcess.class.getName(),
                        begun.toString(),
                        found.toString())
                .inheritIO()
                .start();
        assertThat(process.waitFor()).isZero();
        assertThat(Files.readAllLines(found)).hasSizeGreaterThan(2000).isEqualTo(ends);
    }

    private static void write(DataOutputStream out, int number, byte[] state) throws IOException {
        out.writeInt(number);
        out.writeInt(state.length);
        out.write(state);
    }

    @Test
    void laterStepsDoNotChangeAState() {
        Sampler sampler = Walk.of(SamplerKind.UNIPC, 48).begin();
        Walk.step(sampler);
        SamplerState state = sampler.state();
        byte[] bytes = state.toBytes();
        Walk.finish(sampler);
        assertThat(state.toBytes()).isEqualTo(bytes);
        Arrays.fill(state.toBytes(), (byte) 0);
        assertThat(state.toBytes()).isEqualTo(bytes);
    }

    @Test
    void refusesEveryCutAndEveryDamagedBit() {
        byte[] bytes = midway(Walk.of(SamplerKind.LMS, 4)).toBytes();
        for (int length = 0; length < bytes.length; length++) {
            assertRefused(Arrays.copyOf(bytes, length));
        }
        assertRefused(Arrays.copyOf(bytes, bytes.length + 1));
        for (int bit = 0; bit < 8 * bytes.length; bit++) {
            byte[] damaged = bytes.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            assertRefused(damaged);
        }
    }

    private static void assertRefused(byte[] bytes) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SamplerState.of(bytes))
                .withMessageStartingWith("sampler state: expected ")
                .withMessageContaining(", found ");
    }

    @Test
    void refusesALaterVersion() {
        byte[] bytes = midway(Walk.of(SamplerKind.LMS, 4)).toBytes();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SamplerState.of(
                        ByteBuffer.wrap(bytes.clone()).putInt(4, 2).array()))
                .withMessage("sampler state: expected version 1, found 2");
    }

    @Test
    void refusesTheStateOfAnotherSampler() {
        SamplerState state = midway(Walk.of(SamplerKind.EULER, 48));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Walk.of(SamplerKind.HEUN, 48).restore(state))
                .withMessage("sampler state: expected one of heun, found euler");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Walk.of(SamplerKind.EULER, 64).restore(state))
                .withMessage("sampler state: expected 64 latents, found 48");
        Walk walk = Walk.of(SamplerKind.EULER, 48);
        for (Sampling other : List.of(
                Sampling.of(SamplerKind.EULER, SigmaSpacing.DEFAULT, 8),
                Sampling.of(SamplerKind.EULER, SigmaSpacing.DEFAULT, 6),
                Sampling.of(SamplerKind.EULER, SigmaSpacing.KARRAS, 7))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Walk(other, walk.config(), 48).restore(state))
                    .withMessageStartingWith("sampler state: expected one over the noise levels with checksum ");
        }
    }

    /** With a checksum that is right, as no accident has it. */
    @ParameterizedTest
    @EnumSource
    void aForgedStateIsRefusedOrGoesOn(SamplerKind kind) {
        Walk walk = Walk.of(kind, 4);
        byte[] bytes = midway(walk).toBytes();
        // But for the generator's words: whatever they are is a generator.
        int words = CHECKED + 1 + kind.id().length() + 3 * Integer.BYTES + 4 * Float.BYTES;
        int[] offsets = IntStream.range(CHECKED, bytes.length)
                .filter(at -> at < words || at >= words + 624 * Integer.BYTES)
                .toArray();
        int refused = 0;
        for (int at : offsets) {
            assertThat(restores(walk, Arrays.copyOf(bytes, at))).isFalse();
            for (int number : new int[] {Integer.MAX_VALUE, Integer.MIN_VALUE, -1, 0, 1, 2, 5}) {
                byte[] forged = bytes.clone();
                ByteBuffer.wrap(forged).putInt(Math.min(at, bytes.length - Integer.BYTES), number);
                refused += restores(walk, forged) ? 0 : 1;
            }
        }
        assertThat(restores(walk, Arrays.copyOf(bytes, bytes.length + 1))).isFalse();
        assertThat(restores(walk, bytes)).isTrue();
        assertThat(refused).isGreaterThan(100);
    }

    /** @return whether it is restored, and then goes to the end; anything but a refusal is thrown */
    private static boolean restores(Walk walk, byte[] forged) {
        CRC32C crc = new CRC32C();
        crc.update(forged, CHECKED, forged.length - CHECKED);
        byte[] bytes = ByteBuffer.wrap(forged.clone())
                .putInt(CHECKED - Integer.BYTES, (int) crc.getValue())
                .array();
        Sampler sampler;
        try {
            sampler = walk.restore(SamplerState.of(bytes));
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageStartingWith("sampler state: expected ").hasMessageContaining(", found ");
            return false;
        }
        Walk.finish(sampler);
        return true;
    }

    private static SamplerState midway(Walk walk) {
        Sampler sampler = walk.begin();
        for (int evaluation = 0; evaluation < 5; evaluation++) {
            Walk.step(sampler);
        }
        return sampler.state();
    }
}
