package dev.darkroom.nets;

import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DiffusersFolder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The conditional U-Net as a program (Rombach et al. 2022, section 3.3; Ho et al. 2020, appendix B). Reference:
 * diffusers {@code models/unets/unet_2d_condition.py} and {@code unet_2d_blocks.py}.
 *
 * <p>Beside the context it attends to, a U-Net may be told more in one row of numbers, {@link #addedWidth} wide: SDXL's the
 * pooled text and the picture's {@link #timeIds} (Podell et al. 2023, section 2.2), a guidance-distilled one the guidance
 * scale minus 1 (Meng et al. 2023, section 3.1; in LCM's form).
 */
public final class UNet2DCondition {
    private static final String POOLED_AND_TIME_IDS = "text_time";
    private static final String ATTENDING_MID = "UNetMidBlock2DCrossAttn";

    private final int inChannels;
    private final int outChannels;
    private final int[] channels;
    private final List<String> downBlocks;
    private final List<String> upBlocks;
    private final @Nullable String midBlock;
    private final int[] layers;
    private final int[] heads;
    private final int[][] downDepths;
    private final int[][] upDepths;
    private final int contextWidth;
    private final boolean linearProjection;
    private final int groups;
    private final double eps;
    private final double freqShift;
    private final boolean flipSinToCos;
    private final int sampleSize;
    private final int pooledWidth;
    private final int timeIds;
    private final int timeIdWidth;
    private final int guidanceWidth;

    /** A U-Net without pooled text. */
    public UNet2DCondition(DiffusersFolder.Component component) {
        this(component, 0);
    }

    /**
     * @param component the folder's {@code unet}
     * @param pooledText width of the pooled text at hand, 0 for none
     * @throws dev.darkroom.weights.InvalidCheckpoint naming an option that is missing or not supported
     */
    public UNet2DCondition(DiffusersFolder.Component component, int pooledText) {
        Config config = new Config(component);
        channels = config.integers("block_out_channels");
        int n = channels.length;
        inChannels = config.integer("in_channels", 4);
        outChannels = config.integer("out_channels", 4);
        downBlocks = config.words("down_block_types", n, "CrossAttnDownBlock2D", "DownBlock2D");
        upBlocks = config.words("up_block_types", n, "CrossAttnUpBlock2D", "UpBlock2D");
        layers = config.perBlock("layers_per_block", 2, n);
        // In diffusers' configs attention_head_dim holds the number of heads, unless num_attention_heads is given.
        int[] headDim = config.perBlock("attention_head_dim", 8, n);
        int[] numHeads = config.perBlock("num_attention_heads", headDim[0], n);
        heads = config.has("num_attention_heads") ? numHeads : headDim;
        downDepths = config.perLayer("transformer_layers_per_block", 1, layers);
        int[] upLayers = new int[n];
        for (int i = 0; i < n; i++) {
            upLayers[i] = layers[n - 1 - i] + 1;
        }
        String reverse = "reverse_transformer_layers_per_block";
        upDepths = config.has(reverse)
                ? config.perLayer(reverse, 1, upLayers)
                : config.perLayerFromTheEnd("transformer_layers_per_block", 1, upLayers);
        contextWidth = config.same("cross_attention_dim", 1280);
        linearProjection = config.flag("use_linear_projection", false);
        groups = config.integer("norm_num_groups", 32);
        eps = config.number("norm_eps", 1e-5);
        freqShift = config.number("freq_shift", 0);
        flipSinToCos = config.flag("flip_sin_to_cos", true);
        sampleSize = config.same("sample_size", 64);
        config.oneOf("act_fn", "silu", "silu", "swish");
        config.oneOf("attention_type", "default", "default");
        midBlock = config.isNull("mid_block_type")
                ? null
                : config.oneOf("mid_block_type", ATTENDING_MID, ATTENDING_MID, "UNetMidBlock2D");
        if (config.has("addition_embed_type")) {
            config.oneOf("addition_embed_type", POOLED_AND_TIME_IDS, POOLED_AND_TIME_IDS);
            pooledWidth = pooledText;
            timeIdWidth = config.integer("addition_time_embed_dim");
            timeIds = config.parts(
                    "projection_class_embeddings_input_dim", pooledText, "the pooled text's width", timeIdWidth, 5, 6);
        } else {
            pooledWidth = 0;
            timeIdWidth = 0;
            timeIds = 0;
            config.ignore("addition_time_embed_dim");
        }
        guidanceWidth = config.has("time_cond_proj_dim") ? config.integer("time_cond_proj_dim") : 0;
        config.oneOf("resnet_time_scale_shift", "default", "default");
        config.oneOf("time_embedding_type", "positional", "positional");
        config.only("conv_in_kernel", 3);
        config.only("conv_out_kernel", 3);
        config.only("downsample_padding", 1);
        config.only("mid_block_scale_factor", 1);
        config.only("resnet_out_scale_factor", 1);
        config.ignore("addition_embed_type_num_heads", "dropout", "upcast_attention"); // the last is for half precision
        // A moving average of weights leaves these behind (diffusers training_utils.py, EMAModel).
        config.ignore("decay", "inv_gamma", "min_decay", "min_value", "optimization_step", "power");
        config.ignore("update_after_step", "use_ema_warmup");
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

    /** Width of the pooled text it is told, 0 for none. */
    public int pooledWidth() {
        return pooledWidth;
    }

    /**
     * How many numbers about the picture it is told: 6 (original height and width, top and left of the crop, height and
     * width), 5 (an aesthetic score instead of the last two), or 0.
     */
    public int timeIds() {
        return timeIds;
    }

    /** Whether it is told the guidance scale and answers as if guided, so that one row a picture does. */
    public boolean knowsGuidance() {
        return guidanceWidth > 0;
    }

    /** Numbers a row beside the context: pooled text, time ids, guidance scale minus 1, as far as it takes them. */
    public int addedWidth() {
        return pooledWidth + timeIds + (knowsGuidance() ? 1 : 0);
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
        return describe(net, sample, timestep, null, context, null);
    }

    /**
     * The same for pictures with several rows each, which differ in their conditioning only: what comes before the first of it
     * is computed once a picture.
     *
     * @param sample {@code [P, inChannels, h, w]}
     * @param timestep {@code float32 [P]}
     * @param rows {@code int64 [B]}, the picture of each row; null for one row each
     * @param context {@code [B, t, contextWidth]}
     * @param added {@code [B, addedWidth]}; null where that is 0
     */
    public Value describe(
            Program net, Value sample, Value timestep, @Nullable Value rows, Value context, @Nullable Value added) {
        int n = channels.length;
        if ((added == null ? 0 : added.dim(1)) != addedWidth()) {
            throw new IllegalArgumentException("expected " + addedWidth() + " added numbers a row");
        }
        context = net.narrowed(context);
        Value h = net.conv2d("conv_in", net.narrowed(sample), channels[0], 3, 1, 1);
        if (rows != null && added != null) { // conditioning that every block is told
            h = net.rows(h, rows);
            timestep = net.rows(timestep, rows);
            rows = null;
        }
        Pass pass = new Pass(net.silu(timeEmbedding(net, timestep, added)), context, rows);
        Deque<Value> skips = pass.skips;
        skips.push(h);
        for (int i = 0; i < n; i++) {
            Program block = net.at("down_blocks").at(i);
            boolean attends = downBlocks.get(i).startsWith("CrossAttn");
            for (int j = 0; j < layers[i]; j++) {
                h = resnet(block.at("resnets").at(j), h, pass.t, channels[i]);
                if (attends) {
                    h = transformer(block.at("attentions").at(j), h, pass, heads[i], downDepths[i][j]);
                }
                skips.push(h);
            }
            if (i < n - 1) {
                h = block.at("downsamplers").at(0).conv2d("conv", h, channels[i], 3, 2, 1);
                skips.push(h);
            }
        }
        if (midBlock != null) {
            Program mid = net.at("mid_block");
            h = resnet(mid.at("resnets").at(0), h, pass.t, channels[n - 1]);
            if (midBlock.equals(ATTENDING_MID)) {
                h = transformer(mid.at("attentions").at(0), h, pass, heads[n - 1], downDepths[n - 1][0]);
                h = resnet(mid.at("resnets").at(1), h, pass.t, channels[n - 1]);
            }
        }
        for (int i = 0; i < n; i++) {
            Program block = net.at("up_blocks").at(i);
            int level = n - 1 - i;
            boolean attends = upBlocks.get(i).startsWith("CrossAttn");
            for (int j = 0; j <= layers[level]; j++) {
                h = resnet(block.at("resnets").at(j), net.cat(h, skips.pop()), pass.t, channels[level]);
                if (attends) {
                    h = transformer(block.at("attentions").at(j), h, pass, heads[level], upDepths[i][j]);
                }
            }
            if (i < n - 1) {
                h = block.at("upsamplers")
                        .at(0)
                        .conv2d("conv", net.upsample(h, skips.element()), channels[level], 3, 1, 1);
            }
        }
        h = net.silu(net.groupNorm("conv_norm_out", h, groups, eps));
        return net.widened(net.conv2d("conv_out", h, outChannels, 3, 1, 1));
    }

    /** What goes through the whole network beside the latents. */
    private static final class Pass {
        final Value context;
        final Deque<Value> skips = new ArrayDeque<>();
        Value t;

        /** The picture of each row, as long as pictures are computed, not rows. */
        @Nullable
        Value rows;

        Pass(Value t, Value context, @Nullable Value rows) {
            this.t = t;
            this.context = context;
            this.rows = rows;
        }

        /** Goes over from pictures to rows: repeats what has been computed so far. */
        void toRows(Program net, Value rows) {
            this.rows = null;
            t = net.rows(t, rows);
            List<Value> repeated =
                    skips.stream().map(skip -> net.rows(skip, rows)).toList();
            skips.clear();
            skips.addAll(repeated);
        }
    }

    /** What the U-Net is told in numbers, through small networks: {@code [B, 4·channels]}. */
    private Value timeEmbedding(Program net, Value timestep, @Nullable Value added) {
        Value wave = waves(net, timestep, channels[0]);
        if (knowsGuidance() && added != null) {
            Value guidance = slice(net, added, pooledWidth + timeIds, 1);
            Value projected = net.at("time_embedding")
                    .linear("cond_proj", net.narrowed(guidanceWaves(net, guidance)), channels[0], false);
            wave = net.add(wave, projected);
        }
        Value embedding = twoLayers(net.at("time_embedding"), wave);
        if (timeIds > 0 && added != null) {
            int width = pooledWidth + timeIds * timeIdWidth;
            Value ids = waves(net, slice(net, added, pooledWidth, timeIds), timeIdWidth);
            Value both = net.let(
                    "torch.cat([" + slice(net, added, 0, pooledWidth).name() + ", torch.flatten(" + ids.name()
                            + ", 1, 2)], 1)",
                    1,
                    width);
            embedding = net.add(embedding, twoLayers(net.at("add_embedding"), both));
        }
        return embedding;
    }

    /** {@code TimestepEmbedding} */
    private Value twoLayers(Program mlp, Value x) {
        return mlp.linear(
                "linear_2", mlp.silu(mlp.linear("linear_1", mlp.narrowed(x), 4 * channels[0])), 4 * channels[0]);
    }

    private static Value slice(Program net, Value added, int from, int width) {
        return net.let("torch.slice(" + added.name() + ", 1, " + from + ", " + (from + width) + ", 1)", 1, width);
    }

    /** Sinusoidal embedding (Vaswani et al. 2017, section 3.5) of every number: {@code [B, …]} → {@code [B, …, width]}. */
    private Value waves(Program net, Value numbers, int width) {
        int half = width / 2;
        Value exponent = net.let(
                "torch.div(torch.mul(" + range(numbers, half) + ", " + -Math.log(10000) + "), " + (half - freqShift)
                        + ")",
                half);
        return waves(net, numbers.name(), exponent, flipSinToCos, shape(numbers, width));
    }

    /** The same for the guidance scale, in the rounding of LCM's pipeline ({@code get_guidance_scale_embedding}). */
    private Value guidanceWaves(Program net, Value guidance) {
        int half = guidanceWidth / 2;
        double rate = (float) Math.log(10000) / (half - 1);
        Value exponent = net.let("torch.mul(" + range(guidance, half) + ", " + -rate + ")", half);
        String number = "torch.mul(torch.squeeze(" + guidance.name() + ", 1), 1000.)";
        return waves(net, number, exponent, false, 1, guidanceWidth);
    }

    private static Value waves(Program net, String numbers, Value exponent, boolean cosFirst, long... shape) {
        Value angle = net.let("torch.mul(torch.unsqueeze(" + numbers + ", -1), torch.exp(" + exponent.name() + "))");
        String sin = "torch.sin(" + angle.name() + ")";
        String cos = "torch.cos(" + angle.name() + ")";
        return net.let("torch.cat([" + (cosFirst ? cos + ", " + sin : sin + ", " + cos) + "], -1)", shape);
    }

    private static String range(Value like, int n) {
        return "torch.arange(" + n + ", dtype=6, layout=0, device=ops.prim.device(" + like.name()
                + "), pin_memory=False)";
    }

    private static long[] shape(Value numbers, int width) {
        return numbers.shape().length == 1 ? new long[] {1, width} : new long[] {1, numbers.dim(1), width};
    }

    /** {@code ResnetBlock2D}; {@code t} is the time embedding after its activation. */
    private Value resnet(Program net, Value x, Value t, int out) {
        Value h = net.conv2d("conv1", net.silu(net.groupNorm("norm1", x, groups, eps)), out, 3, 1, 1);
        h = net.addPerChannel(h, net.linear("time_emb_proj", t, out));
        h = net.conv2d("conv2", net.silu(net.groupNorm("norm2", h, groups, eps)), out, 3, 1, 1);
        return net.add(x.channels() == out ? x : net.conv2d("conv_shortcut", x, out, 1, 1, 0), h);
    }

    /** {@code Transformer2DModel}: blocks of self-attention, cross-attention and a gated feed-forward network. */
    private Value transformer(Program net, Value x, Pass pass, int heads, int depth) {
        int c = x.channels();
        Value h = net.groupNorm("norm", x, groups, 1e-6);
        h = linearProjection
                ? net.linear("proj_in", net.tokens(h), c)
                : net.tokens(net.conv2d("proj_in", h, c, 1, 1, 0));
        for (int i = 0; i < depth; i++) {
            Program block = net.at("transformer_blocks").at(i);
            Value n1 = block.layerNorm("norm1", h, 1e-5);
            h = net.add(h, attention(block.at("attn1"), n1, n1, heads));
            Value rows = pass.rows;
            if (rows != null) {
                h = net.rows(h, rows);
                x = net.rows(x, rows);
                pass.toRows(net, rows);
            }
            h = net.add(h, attention(block.at("attn2"), block.layerNorm("norm2", h, 1e-5), pass.context, heads));
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
