package dev.darkroom.model;

import dev.darkroom.weights.DiffusersFolder;

/**
 * The CLIP text encoder as a program: a causal pre-norm transformer over token ids (Radford et al. 2021, section 2.4).
 * Reference: transformers {@code models/clip/modeling_clip.py}, {@code CLIPTextModel}.
 */
public final class ClipText {
    private final int vocabulary;
    private final int width;
    private final int positions;
    private final int layers;
    private final int heads;
    private final int mlp;
    private final String activation;
    private final double eps;

    /**
     * @param component the folder's {@code text_encoder}
     * @throws dev.darkroom.weights.InvalidCheckpoint naming an option that is missing or not supported
     */
    public ClipText(DiffusersFolder.Component component) {
        Config config = new Config(component);
        vocabulary = config.integer("vocab_size");
        width = config.integer("hidden_size");
        positions = config.integer("max_position_embeddings");
        layers = config.integer("num_hidden_layers");
        heads = config.integer("num_attention_heads");
        mlp = config.integer("intermediate_size");
        activation = config.oneOf("hidden_act", "quick_gelu", "quick_gelu", "gelu");
        eps = config.number("layer_norm_eps", 1e-5);
        config.ignore(
                "architectures",
                "attention_dropout",
                "bos_token_id",
                "dropout",
                "dtype",
                "eos_token_id",
                "initializer_factor",
                "initializer_range",
                "model_type",
                "pad_token_id",
                "projection_dim",
                "torch_dtype",
                "transformers_version");
        config.done();
    }

    /** Width of the hidden states. */
    public int width() {
        return width;
    }

    /** Number of different token ids. */
    public int vocabulary() {
        return vocabulary;
    }

    /** Number of token ids that fit. */
    public int positions() {
        return positions;
    }

    /**
     * @param net the module that holds {@code text_model}
     * @param ids token ids, {@code int64 [B, t]}, t ≤ {@link #positions}
     * @return hidden states after the final layer norm, {@code [B, t, width]}
     */
    public Value describe(Program net, Value ids) {
        Program text = net.at("text_model");
        Program embeddings = text.at("embeddings");
        Value x = net.add(
                embeddings.embedding("token_embedding", ids, vocabulary, width),
                embeddings.firstRows("position_embedding", ids, positions, width));
        for (int i = 0; i < layers; i++) {
            x = layer(text.at("encoder").at("layers").at(i), x);
        }
        return text.layerNorm("final_layer_norm", x, eps);
    }

    private Value layer(Program net, Value x) {
        Program attn = net.at("self_attn");
        Value h = net.layerNorm("layer_norm1", x, eps);
        Value o = net.attention(
                attn.linear("q_proj", h, width),
                attn.linear("k_proj", h, width),
                attn.linear("v_proj", h, width),
                heads,
                true);
        x = net.add(x, attn.linear("out_proj", o, width));
        h = net.at("mlp").linear("fc1", net.layerNorm("layer_norm2", x, eps), mlp);
        h = activation.equals("gelu") ? net.gelu(h) : net.quickGelu(h);
        return net.add(x, net.at("mlp").linear("fc2", h, width));
    }
}
