package dev.darkroom.trainer;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import dev.darkroom.nets.AutoencoderKl;
import dev.darkroom.program.Network;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.Tensor;
import java.util.Arrays;
import java.util.function.Function;

/** A trained VAE: one picture at a time to latents and back. */
final class Codec implements AutoCloseable {
    private final int size;
    private final int channels;
    private final int latentSize;
    private final Network network;

    /**
     * @param size of the pictures
     * @param weights by name
     */
    Codec(AutoencoderKl vae, int size, Function<String, Tensor> weights) {
        this.size = size;
        this.channels = vae.latentChannels();
        this.latentSize = size / vae.factor();
        Program program = new Program(Program.Kernels.of(Device.cpu()));
        Value x = program.input("x", 1, 3, size, size);
        program.method("encode", vae.describeEncoder(program, x), x);
        Value z = program.input("z", 1, channels, latentSize, latentSize);
        program.method("decode", vae.describeDecoder(program, z), z);
        network = Network.load(program, parameter -> weights.apply(parameter.name()));
    }

    /** Means of the latents, [channels, size / factor, size / factor]. */
    float[] encode(Icon picture) {
        try (NDManager scope = network.newScope()) {
            float[] moments = network.call("encode", Learner.floats(scope, picture.planes(), 1, 3, size, size))
                    .toFloatArray();
            return Arrays.copyOf(moments, moments.length / 2);
        }
    }

    /** The picture of latents from {@code offset} on. */
    Icon decode(float[] latents, int offset) {
        int length = channels * latentSize * latentSize;
        float[] z = Arrays.copyOfRange(latents, offset, offset + length);
        try (NDManager scope = network.newScope()) {
            float[] planes = network.call("decode", Learner.floats(scope, z, 1, channels, latentSize, latentSize))
                    .toFloatArray();
            return Icon.ofPlanes(planes, 0, size);
        }
    }

    @Override
    public void close() {
        network.close();
    }
}
