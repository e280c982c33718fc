package dev.darkroom.sampling;

import static dev.darkroom.sampling.Memory.unexpected;

import dev.darkroom.request.SamplerKind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * All that a {@link Sampler} remembers between two evaluations of the network: whoever restores it, in any process, ends on
 * the same bytes. Immutable.
 *
 * <p>Its bytes, big-endian, floats and doubles by their IEEE 754 bits:
 *
 * <pre>
 * int     0x44525353, "DRSS"
 * int     version of this format, 1
 * int     CRC-32C of all bytes after it
 * byte    length of the sampler's name; the name as in requests, ASCII
 * int     CRC-32C of the walk: all timesteps, then all σ, as floats
 * int     evaluations of the network done
 * int     n, number of latents
 * n floats                 latents, in the sampler's own scale
 * 624 ints, int, double    generator: Mersenne Twister's words, how many are used up, half of a pair not yet used or NaN
 * the sampler's own fields, in the order of its class:
 *     an array             int, 0 before the first evaluation and n after it; so many floats
 *     a list               int, number of elements; the elements
 *     a slope of lms       double, its σ; an array
 * </pre>
 */
public final class SamplerState {

    private static final int MAGIC = 0x44525353;
    private static final int VERSION = 1;
    private static final int CHECKED = 3 * Integer.BYTES; // from here on bytes count for the checksum

    private final SamplerKind sampler;
    private final int walk;
    private final int evaluations;
    private final int length;
    private final byte[] memory; // latents, generator, fields

    /** @param memory not copied */
    SamplerState(SamplerKind sampler, int walk, int evaluations, int length, byte[] memory) {
        this.sampler = sampler;
        this.walk = walk;
        this.evaluations = evaluations;
        this.length = length;
        this.memory = memory;
    }

    /**
     * The state that {@link #toBytes} wrote.
     *
     * @throws IllegalArgumentException saying what was expected and what was found if they are no sampler state, damaged, cut,
     *     or of a later version
     */
    public static SamplerState of(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (bytes.length < CHECKED) {
            throw unexpected("at least " + CHECKED + " bytes", bytes.length);
        }
        int magic = in.getInt();
        if (magic != MAGIC) {
            throw unexpected("to begin with %08x".formatted(MAGIC), "%08x".formatted(magic));
        }
        int version = in.getInt();
        if (version != VERSION) {
            throw unexpected("version " + VERSION, version);
        }
        int stored = in.getInt();
        int checksum = checksum(bytes);
        if (stored != checksum) {
            throw unexpected(
                    "checksum %08x over its %d bytes".formatted(stored, bytes.length), "%08x".formatted(checksum));
        }
        int nameLength = in.hasRemaining() ? in.get() & 0xFF : 0;
        int header = CHECKED + 1 + nameLength + 3 * Integer.BYTES;
        if (bytes.length < header) {
            throw unexpected("at least " + header + " bytes", bytes.length);
        }
        byte[] ascii = new byte[nameLength];
        in.get(ascii);
        String name = new String(ascii, StandardCharsets.US_ASCII);
        SamplerKind sampler =
                SamplerKind.of(name).orElseThrow(() -> unexpected("a sampler of " + SamplerKind.ids(), name));
        int walk = in.getInt();
        int evaluations = in.getInt();
        int length = in.getInt();
        return new SamplerState(sampler, walk, evaluations, length, Arrays.copyOfRange(bytes, header, bytes.length));
    }

    public byte[] toBytes() {
        byte[] name = sampler.id().getBytes(StandardCharsets.US_ASCII);
        ByteBuffer out = ByteBuffer.allocate(CHECKED + 1 + name.length + 3 * Integer.BYTES + memory.length);
        out.putInt(MAGIC).putInt(VERSION).putInt(0).put((byte) name.length).put(name);
        out.putInt(walk).putInt(evaluations).putInt(length).put(memory);
        return out.putInt(CHECKED - Integer.BYTES, checksum(out.array())).array();
    }

    private static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, CHECKED, bytes.length - CHECKED);
        return (int) crc.getValue();
    }

    public SamplerKind sampler() {
        return sampler;
    }

    /** How often the network was evaluated. */
    public int evaluations() {
        return evaluations;
    }

    /**
     * The memory of a sampler of this kind, walk and size, to be read.
     *
     * @param most evaluations of its whole walk
     * @throws IllegalArgumentException saying what was expected and what was found if this is the state of another one
     */
    Memory.In memory(SamplerKind kind, int walk, int most, int length) {
        if (kind != sampler) {
            throw unexpected("one of " + kind.id(), sampler.id());
        }
        if (walk != this.walk) {
            throw unexpected(
                    "one over the noise levels with checksum %08x".formatted(walk), "%08x".formatted(this.walk));
        }
        if (evaluations < 0 || evaluations > most) {
            throw unexpected("0 to " + most + " evaluations", evaluations);
        }
        if (length != this.length) {
            throw unexpected(length + " latents", this.length);
        }
        return new Memory.In(memory, evaluations == 0 ? 0 : length);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SamplerState state && Arrays.equals(toBytes(), state.toBytes());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(memory);
    }

    @Override
    public String toString() {
        return "state of %s after %d evaluations, %d latents".formatted(sampler.id(), evaluations, length);
    }
}
