package dev.darkroom.nets;

import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DiffusersFolder;
import java.util.Arrays;

/**
 * The variational autoencoder between pictures and latents as programs (Rombach et al. 2022, section 3.1). Reference:
 * diffusers {@code models/autoencoders/autoencoder_kl.py} and {@code vae.py}.
 */
public final class AutoencoderKl implements Autoencoder {
    private final int inChannels;
    private final int outChannels;
    private final int latentChannels;
    private final int[] channels;
    private final int layersPerBlock;
    private final int groups;
    private final boolean midAttention;
    private final boolean quantConv;
    private final boolean postQuantConv;
    private final float scalingFactor;
    private final double[] mean;
    private final double[] std;

    /**
     * @param component the folder's {@code vae}
     * @throws dev.darkroom.weights.InvalidCheckpoint naming an option that is missing or not supported
     */
    public AutoencoderKl(DiffusersFolder.Component component) {
        Config config = new Config(component);
        channels = config.integers("block_out_channels");
        inChannels = config.integer("in_channels", 3);
        outChannels = config.integer("out_channels", 3);
        latentChannels = config.integer("latent_channels", 4);
        layersPerBlock = config.integer("layers_per_block", 1);
        groups = config.integer("norm_num_groups", 32);
        midAttention = config.flag("mid_block_add_attention", true);
        quantConv = config.flag("use_quant_conv", true);
        postQuantConv = config.flag("use_post_quant_conv", true);
        scalingFactor = (float) config.positive("scaling_factor", 0.18215);
        boolean normalised = config.has("latents_mean") && config.has("latents_std");
        mean = normalised ? config.numbers("latents_mean", latentChannels) : new double[latentChannels];
        std = normalised ? config.numbers("latents_std", latentChannels) : new double[latentChannels];
        if (!normalised) {
            Arrays.fill(std, 1);
        }
        config.only("shift_factor", 0);
        config.words("down_block_types", channels.length, "DownEncoderBlock2D");
        config.words("up_block_types", channels.length, "UpDecoderBlock2D");
        config.oneOf("act_fn", "silu", "silu", "swish");
        config.ignore("force_upcast", "sample_size");
        config.done();
    }

    @Override
    public int latentChannels() {
        return latentChannels;
    }

    @Override
    public int factor() {
        return 1 << (channels.length - 1);
    }

    @Override
    public void unscale(float[] latents) {
        int pixels = latents.length / latentChannels;
        for (int k = 0; k < latents.length; k++) {
            int c = k / pixels;
            latents[k] = latents[k] * (float) std[c] / scalingFactor + (float) mean[c];
        }
    }

    /**
     * @param net the module that holds {@code encoder}
     * @param x pictures in −1 … 1, {@code [B, 3, H, W]}
     * @return mean and log variance of the latents, {@code [B, 2 · latentChannels, H / factor, W / factor]}
     */
    public Value describeEncoder(Program net, Value x) {
        Program encoder = net.at("encoder");
        int n = channels.length;
        checkChannels(x, inChannels);
        Value h = encoder.conv2d("conv_in", x, channels[0], 3, 1, 1);
        for (int i = 0; i < n; i++) {
            Program block = encoder.at("down_blocks").at(i);
            for (int j = 0; j < layersPerBlock; j++) {
                h = resnet(block.at("resnets").at(j), h, channels[i]);
            }
            if (i < n - 1) {
                h = block.at("downsamplers").at(0).conv2d("conv", net.padBottomRight(h), channels[i], 3, 2, 0);
            }
        }
        h = head(encoder, mid(encoder.at("mid_block"), h), 2 * latentChannels);
        return quantConv ? net.conv2d("quant_conv", h, 2 * latentChannels, 1, 1, 0) : h;
    }

    @Override
    public Value describeDecoder(Program net, Value z) {
        Program decoder = net.at("decoder");
        int n = channels.length;
        checkChannels(z, latentChannels);
        Value h = postQuantConv ? net.conv2d("post_quant_conv", z, latentChannels, 1, 1, 0) : z;
        h = mid(decoder.at("mid_block"), decoder.conv2d("conv_in", h, channels[n - 1], 3, 1, 1));
        for (int i = 0; i < n; i++) {
            Program block = decoder.at("up_blocks").at(i);
            int c = channels[n - 1 - i];
            for (int j = 0; j <= layersPerBlock; j++) {
                h = resnet(block.at("resnets").at(j), h, c);
            }
            if (i < n - 1) {
                h = block.at("upsamplers").at(0).conv2d("conv", net.upsample(h), c, 3, 1, 1);
            }
        }
        return head(decoder, h, outChannels);
    }

    private static void checkChannels(Value x, int channels) {
        if (x.channels() != channels) {
            throw new IllegalArgumentException("expected " + channels + " channels, found " + x.channels());
        }
    }

    private Value head(Program net, Value h, int out) {
        return net.conv2d("conv_out", net.silu(net.groupNorm("conv_norm_out", h, groups, 1e-6)), out, 3, 1, 1);
    }

    private Value mid(Program net, Value x) {
        int c = x.channels();
        Value h = resnet(net.at("resnets").at(0), x, c);
        if (midAttention) {
            Program attn = net.at("attentions").at(0);
            Value n = net.tokens(attn.groupNorm("group_norm", h, groups, 1e-6));
            Value o = net.attention(
                    attn.linear("to_q", n, c), attn.linear("to_k", n, c), attn.linear("to_v", n, c), 1, false);
            h = net.add(h, net.picture(attn.at("to_out").linear("0", o, c), h));
        }
        return resnet(net.at("resnets").at(1), h, c);
    }

    private Value resnet(Program net, Value x, int out) {
        Value h = net.conv2d("conv1", net.silu(net.groupNorm("norm1", x, groups, 1e-6)), out, 3, 1, 1);
        h = net.conv2d("conv2", net.silu(net.groupNorm("norm2", h, groups, 1e-6)), out, 3, 1, 1);
        return net.add(x.channels() == out ? x : net.conv2d("conv_shortcut", x, out, 1, 1, 0), h);
    }
}
