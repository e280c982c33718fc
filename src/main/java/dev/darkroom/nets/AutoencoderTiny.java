package dev.darkroom.nets;

import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DiffusersFolder;

/**
 * The decoder of a tiny autoencoder (TAESD): plain convolutions, a fiftieth of the full decoder's work. Reference:
 * diffusers {@code models/autoencoders/autoencoder_tiny.py} and {@code vae.py}, {@code DecoderTiny}.
 */
public final class AutoencoderTiny implements Autoencoder {
    private final int outChannels;
    private final int latentChannels;
    private final int[] channels;
    private final int[] blocks;
    private final float scalingFactor;

    /**
     * @param component the folder's {@code vae}
     * @throws dev.darkroom.weights.InvalidCheckpoint naming an option that is missing or not supported
     */
    public AutoencoderTiny(DiffusersFolder.Component component) {
        Config config = new Config(component);
        channels = config.integers("decoder_block_out_channels");
        blocks = config.perBlock("num_decoder_blocks", 3, channels.length);
        outChannels = config.integer("out_channels", 3);
        latentChannels = config.integer("latent_channels", 4);
        scalingFactor = (float) config.positive("scaling_factor", 1);
        config.oneOf("act_fn", "relu", "relu");
        config.oneOf("upsample_fn", "nearest", "nearest");
        config.only("upsampling_scaling_factor", 2);
        config.only("shift_factor", 0);
        config.ignore(
                "block_out_channels",
                "encoder_block_out_channels",
                "force_upcast",
                "in_channels",
                "latent_magnitude",
                "latent_shift",
                "num_encoder_blocks");
        config.done();
    }

    @Override
    public int latentChannels() {
        return latentChannels;
    }

    @Override
    public int factor() {
        return 1 << (blocks.length - 1);
    }

    @Override
    public void unscale(float[] latents) {
        for (int k = 0; k < latents.length; k++) {
            latents[k] /= scalingFactor;
        }
    }

    @Override
    public Value describeDecoder(Program net, Value z) {
        Program layers = net.at("decoder").at("layers");
        Value h = net.let("torch.mul(torch.tanh(torch.div(" + z.name() + ", 3)), 3)", z.shape());
        h = net.relu(layers.conv2d("0", h, channels[0], 3, 1, 1));
        int layer = 2; // 1 is the activation
        for (int i = 0; i < blocks.length; i++) {
            for (int j = 0; j < blocks[i]; j++) {
                h = block(layers.at(layer++), h, channels[i]);
            }
            boolean last = i == blocks.length - 1;
            if (!last) {
                h = net.upsample(h);
                layer++;
            }
            h = layers.conv2d(Integer.toString(layer++), h, last ? outChannels : channels[i], 3, 1, 1, last);
        }
        return net.let("torch.sub(torch.mul(" + h.name() + ", 2), 1)", h.shape()); // from 0 … 1
    }

    private static Value block(Program net, Value x, int out) {
        Program conv = net.at("conv");
        Value h = net.relu(conv.conv2d("0", x, out, 3, 1, 1));
        h = net.relu(conv.conv2d("2", h, out, 3, 1, 1));
        return net.relu(net.add(conv.conv2d("4", h, out, 3, 1, 1), x));
    }
}
