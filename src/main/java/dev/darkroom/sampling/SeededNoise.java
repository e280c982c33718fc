package dev.darkroom.sampling;

/**
 * Normal noise from a seed: the numbers {@code torch.randn(n, generator=torch.Generator("cpu").manual_seed(seed))} gives,
 * to 1e-6, call after call. Not thread-safe: one generator a picture.
 *
 * <p>Uniform bits come from MT19937 (Matsumoto and Nishimura 1998). Torch turns them into normals in two ways: blocks of 16
 * floats (eight Box–Muller pairs, cosines first) from 16 numbers on, single double pairs below. Source: PyTorch's
 * {@code aten/src/ATen/native/cpu/DistributionTemplates.h} and {@code core/DistributionsHelper.h}.
 */
public final class SeededNoise {

    private static final int N = 624;
    private static final int M = 397;
    private static final int BLOCK = 16;

    private final int[] state = new int[N];
    private int next = N;

    /** The sine half of the last double pair, or NaN. It survives block draws, as in torch. */
    private double cached = Double.NaN;

    /** @param seed only its low 32 bits count, as in torch */
    public SeededNoise(long seed) {
        state[0] = (int) seed;
        for (int i = 1; i < N; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    /**
     * The next {@code n} standard normal numbers. How many are asked for at once matters: two calls of 8 give other numbers
     * than one of 16.
     */
    public float[] normal(int n) {
        float[] z = new float[n];
        if (n < BLOCK) {
            for (int i = 0; i < n; i++) {
                z[i] = (float) single();
            }
            return z;
        }
        for (int i = 0; i < n; i++) {
            z[i] = uniform();
        }
        for (int start = 0; start + BLOCK <= n; start += BLOCK) {
            boxMuller(z, start);
        }
        if (n % BLOCK != 0) {
            int start = n - BLOCK;
            for (int i = start; i < n; i++) {
                z[i] = uniform();
            }
            boxMuller(z, start);
        }
        return z;
    }

    private static void boxMuller(float[] z, int start) {
        for (int i = start; i < start + BLOCK / 2; i++) {
            float r = (float) Math.sqrt(-2 * (float) Math.log(1 - z[i]));
            float theta = (float) (2 * Math.PI) * z[i + BLOCK / 2];
            z[i] = r * (float) Math.cos(theta);
            z[i + BLOCK / 2] = r * (float) Math.sin(theta);
        }
    }

    private double single() {
        if (!Double.isNaN(cached)) {
            double z = cached;
            cached = Double.NaN;
            return z;
        }
        double u1 = uniformDouble();
        double u2 = uniformDouble();
        double r = Math.sqrt(-2 * Math.log1p(-u2));
        double theta = 2 * Math.PI * u1;
        cached = r * Math.sin(theta);
        return r * Math.cos(theta);
    }

    /** In [0, 1), 24 bits. */
    private float uniform() {
        return (bits() & 0xFFFFFF) * 0x1p-24f;
    }

    /** In [0, 1), 53 bits. */
    private double uniformDouble() {
        long high = bits();
        long low = bits() & 0xFFFFFFFFL;
        return ((high << 32 | low) & ((1L << 53) - 1)) * 0x1p-53;
    }

    /** Its whole state. */
    void memory(Memory memory) {
        memory.words(state);
        next = memory.integer(next, 0, N);
        cached = memory.number(cached);
    }

    private int bits() {
        if (next == N) {
            twist();
        }
        int y = state[next++];
        y ^= y >>> 11;
        y ^= y << 7 & 0x9D2C5680;
        y ^= y << 15 & 0xEFC60000;
        return y ^ y >>> 18;
    }

    private void twist() {
        for (int i = 0; i < N; i++) {
            int y = state[i] & 0x80000000 | state[(i + 1) % N] & 0x7FFFFFFF;
            state[i] = state[(i + M) % N] ^ y >>> 1 ^ -(y & 1) & 0x9908B0DF;
        }
        next = 0;
    }
}
