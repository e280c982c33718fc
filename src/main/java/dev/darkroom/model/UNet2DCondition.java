package dev.darkroom.model;

import dev.darkroom.weights.DiffusersFolder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * The conditional U-Net as a program (Rombach et al. 2022, section 3.3; Ho et al. 2020, appendix B). Reference:
 * diffusers {@code models/unets/unet_2d_condition.py} and {@code unet_2d_blocks.py}.
 */
public final class UNet2DCondition {
    private final int inChannels;
    private final int outChannels;
    private final int[] channels;
    private final List<String> downBlocks;
    private final List<String> upBlocks;
    private final int layersPerBlock;
    private final int[] heads;
    private final int[] depth;
    private final int contextWidth;
    private final boolean linearProjection;
    private final int groups;
    private final double eps;
    private final double freqShift;
    private final boolean flipSinToCos;
    private final int sampleSize;

    /**
     * @param component the folder's {@code unet}
     * @throws dev.darkroom.weights.InvalidCheckpoint naming an option that is missing or not supported
     */
    public UNet2DCondition(DiffusersFolder.Component component) {
        Config config = new Config(component);
        channels = config.integers("block_out_channels");
        int n = channels.length;
        inChannels = config.integer("in_channels", 4);
        outChannels = config.integer("out_channels", 4);
        downBlocks = config.words("down_block_types", n, "CrossAttnDownBlock2D", "DownBlock2D");
        upBlocks = config.words("up_block_types", n, "CrossAttnUpBlock2D", "UpBlock2D");
        layersPerBlock = config.integer("layers_per_block", 2);
        // In diffusers' configs attention_head_dim holds the number of heads, unless num_attention_heads is given.
        int[] headDim = config.perBlock("attention_head_dim", 8, n);
        int[] numHeads = config.perBlock("num_attention_heads", headDim[0], n);
        heads = config.has("num_attention_heads") ? numHeads : headDim;
        depth = config.perBlock("transformer_layers_per_block", 1, n);
        contextWidth = config.integer("cross_attention_dim", 1280);
        linearProjection = config.flag("use_linear_projection", false);
        groups = config.integer("norm_num_groups", 32);
        eps = config.number("norm_eps", 1e-5);
        freqShift = config.number("freq_shift", 0);
        flipSinToCos = config.flag("flip_sin_to_cos", true);
        sampleSize = config.integer("sample_size", 64);
        config.oneOf("act_fn", "silu", "silu", "swish");
        config.oneOf("attention_type", "default", "default");
        config.oneOf("mid_block_type", "UNetMidBlock2DCrossAttn", "UNetMidBlock2DCrossAttn");
        config.oneOf("resnet_time_scale_shift", "default", "default");
        config.oneOf("time_embedding_type", "positional", "positional");
        config.only("conv_in_kernel", 3);
        config.only("conv_out_kernel", 3);
        config.only("downsample_padding", 1);
        config.only("mid_block_scale_factor", 1);
        config.only("resnet_out_scale_factor", 1);
        config.ignore("addition_embed_type_num_heads", "dropout", "upcast_attention");
        config.done();
    }

    /** Channels of the sample it takes. */
    public int inChannels() {
        return inChannels;
    }

    /** Width of the conditioning it attends to. */
    public int contextWidth() {
        return contextWidth;
    }

    /** Height and width of the latents it was trained on. */
    public int sampleSize() {
        return sampleSize;
    }

    /** Latent height and width must be multiples of this. */
    public int sizeMultiple() {
        return 1 << (channels.length - 1);
    }

    /**
     * @param net the module that holds {@code conv_in}
     * @param sample noisy latents, {@code [B, inChannels, h, w]}
     * @param timestep one per row, {@code float32 [B]}
     * @param context conditioning, {@code [B, t, contextWidth]}
     * @return the prediction (ε or v), {@code [B, outChannels, h, w]}
     */
    public Value describe(Program net, Value sample, Value timestep, Value context) {
        int n = channels.length;
        Value t = net.silu(timeEmbedding(net, timestep));
        Value h = net.conv2d("conv_in", sample, channels[0], 3, 1, 1);
        Deque<Value> skips = new ArrayDeque<>();
        skips.push(h);
        for (int i = 0; i < n; i++) {
            Program block = net.at("down_blocks").at(i);
            boolean attends = downBlocks.get(i).startsWith("CrossAttn");
            for (int j = 0; j < layersPerBlock; j++) {
                h = resnet(block.at("resnets").at(j), h, t, channels[i]);
                if (attends) {
                    h = transformer(block.at("attentions").at(j), h, context, heads[i], depth[i]);
                }
                skips.push(h);
            }
            if (i < n - 1) {
                h = block.at("downsamplers").at(0).conv2d("conv", h, channels[i], 3, 2, 1);
                skips.push(h);
            }
        }
        Program mid = net.at("mid_block");
        h = resnet(mid.at("resnets").at(0), h, t, channels[n - 1]);
        h = transformer(mid.at("attentions").at(0), h, context, heads[n - 1], depth[n - 1]);
        h = resnet(mid.at("resnets").at(1), h, t, channels[n - 1]);
        for (int i = 0; i < n; i++) {
            Program block = net.at("up_blocks").at(i);
            int level = n - 1 - i;
            boolean attends = upBlocks.get(i).startsWith("CrossAttn");
            for (int j = 0; j <= layersPerBlock; j++) {
                h = resnet(block.at("resnets").at(j), net.cat(h, skips.pop()), t, channels[level]);
                if (attends) {
                    h = transformer(block.at("attentions").at(j), h, context, heads[level], depth[level]);
                }
            }
            if (i < n - 1) {
                h = block.at("upsamplers")
                        .at(0)
                        .conv2d("conv", net.upsample(h, skips.element()), channels[level], 3, 1, 1);
            }
        }
        h = net.silu(net.groupNorm("conv_norm_out", h, groups, eps));
        return net.conv2d("conv_out", h, outChannels, 3, 1, 1);
    }

    /** Sinusoidal embedding (Vaswani et al. 2017, section 3.5) through a two-layer network, {@code [B, 4·channels]}. */
    private Value timeEmbedding(Program net, Value timestep) {
        int half = channels[0] / 2;
        Value exponent = net.let(
                "torch.div(torch.mul(torch.arange(" + half + ", dtype=6, layout=0, device=ops.prim.device("
                        + timestep.name() + "), pin_memory=False), " + -Math.log(10000) + "), " + (half - freqShift)
                        + ")",
                half);
        Value angle = net.let(
                "torch.mul(torch.unsqueeze(" + timestep.name() + ", 1), torch.unsqueeze(torch.exp(" + exponent.name()
                        + "), 0))",
                1,
                half);
        String sin = "torch.sin(" + angle.name() + ")";
        String cos = "torch.cos(" + angle.name() + ")";
        Value wave =
                net.let("torch.cat([" + (flipSinToCos ? cos + ", " + sin : sin + ", " + cos) + "], 1)", 1, channels[0]);
        Program mlp = net.at("time_embedding");
        return mlp.linear("linear_2", net.silu(mlp.linear("linear_1", wave, 4 * channels[0])), 4 * channels[0]);
    }

    /** {@code ResnetBlock2D}; {@code t} is the time embedding after its activation. */
    private Value resnet(Program net, Value x, Value t, int out) {
        Value h = net.conv2d("conv1", net.silu(net.groupNorm("norm1", x, groups, eps)), out, 3, 1, 1);
        h = net.addPerChannel(h, net.linear("time_emb_proj", t, out));
        h = net.conv2d("conv2", net.silu(net.groupNorm("norm2", h, groups, eps)), out, 3, 1, 1);
        return net.add(x.channels() == out ? x : net.conv2d("conv_shortcut", x, out, 1, 1, 0), h);
    }

    /** {@code Transformer2DModel}: blocks of self-attention, cross-attention and a gated feed-forward network. */
    private Value transformer(Program net, Value x, Value context, int heads, int depth) {
        int c = x.channels();
        Value h = net.groupNorm("norm", x, groups, 1e-6);
        h = linearProjection
                ? net.linear("proj_in", net.tokens(h), c)
                : net.tokens(net.conv2d("proj_in", h, c, 1, 1, 0));
        for (int i = 0; i < depth; i++) {
            Program block = net.at("transformer_blocks").at(i);
            Value n1 = block.layerNorm("norm1", h, 1e-5);
            h = net.add(h, attention(block.at("attn1"), n1, n1, heads));
            h = net.add(h, attention(block.at("attn2"), block.layerNorm("norm2", h, 1e-5), context, heads));
            Program ff = block.at("ff").at("net");
            Value gated = ff.at(0).linear("proj", block.layerNorm("norm3", h, 1e-5), 8 * c);
            Value inner = net.gatedGelu(net.columns(gated, 0, 4 * c), net.columns(gated, 4 * c, 8 * c));
            h = net.add(h, ff.linear("2", inner, c));
        }
        h = linearProjection
                ? net.picture(net.linear("proj_out", h, c), x)
                : net.conv2d("proj_out", net.picture(h, x), c, 1, 1, 0);
        return net.add(h, x);
    }

    private static Value attention(Program net, Value x, Value context, int heads) {
        int c = (int) x.dim(-1);
        Value o = net.attention(
                net.linear("to_q", x, c, false),
                net.linear("to_k", context, c, false),
                net.linear("to_v", context, c, false),
                heads,
                false);
        return net.at("to_out").linear("0", o, c);
    }
}
