package dev.darkroom.nets;

import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DiffusersFolder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The CLIP text encoder as a program: a causal pre-norm transformer over token ids (Radford et al. 2021, section 2.4).
 * Reference: transformers {@code models/clip/modeling_clip.py}, {@code CLIPTextModel} and {@code
 * CLIPTextModelWithProjection}.
 */
public final class ClipText {
    /** In files of this end-of-text id it is wrong, and the token of the largest id ends the text. */
    private static final int LEGACY_END = 2;

    /**
     * What transformers 4 and 5 write besides: where the weights come from, training, and options of every model's (4.57.6,
     * {@code configuration_utils.py}), of generating text for the most part.
     */
    private static final String[] NOT_OF_THE_NETWORK = {
        "architectures",
        "attention_dropout",
        "attn_implementation",
        "begin_suppress_tokens",
        "bos_token_id",
        "chunk_size_feed_forward",
        "decoder_start_token_id",
        "diversity_penalty",
        "dropout",
        "dtype",
        "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "gradient_checkpointing",
        "id2label",
        "initializer_factor",
        "initializer_range",
        "label2id",
        "length_penalty",
        "max_length",
        "min_length",
        "model_type",
        "no_repeat_ngram_size",
        "num_beam_groups",
        "num_beams",
        "num_labels",
        "num_return_sequences",
        "output_attentions",
        "output_hidden_states",
        "pad_token_id",
        "prefix",
        "problem_type",
        "repetition_penalty",
        "return_dict",
        "sep_token_id",
        "suppress_tokens",
        "temperature",
        "tie_word_embeddings",
        "tokenizer_class",
        "top_k",
        "top_p",
        "torch_dtype",
        "transformers_version",
        "typical_p",
        "use_cache",
        "use_return_dict",
    };

    /**
     * What the encoder says about a text.
     *
     * @param hidden the hidden states to choose from: at {@code k} those that leave out the last {@code k} layers,
     *     {@code [B, t, width]}
     * @param pooled the projected state of the end-of-text token, {@code [B, projectionWidth]}; null without projection
     */
    record States(List<Value> hidden, @Nullable Value pooled) {}

    private final int vocabulary;
    private final int width;
    private final int positions;
    private final int layers;
    private final int heads;
    private final int mlp;
    private final String activation;
    private final double eps;
    private final int endOfText;
    private final boolean projects;
    private final int projectionWidth;

    /**
     * @param component the folder's {@code text_encoder} or {@code text_encoder_2}
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
        endOfText = config.integer("eos_token_id", 49407);
        projects = component.className().equals("CLIPTextModelWithProjection");
        projectionWidth = config.integer("projection_dim", 512);
        config.ignore(NOT_OF_THE_NETWORK);
        config.done();
    }

    /** Width of the hidden states. */
    public int width() {
        return width;
    }

    /** Number of transformer layers. */
    public int layers() {
        return layers;
    }

    /** Number of different token ids. */
    public int vocabulary() {
        return vocabulary;
    }

    /** Number of token ids that fit. */
    public int positions() {
        return positions;
    }

    /** Width of the pooled state; 0 where the encoder has none. */
    public int pooledWidth() {
        return projects ? projectionWidth : 0;
    }

    /**
     * @param net the module that holds {@code text_model}
     * @param ids token ids, {@code int64 [B, t]}, t ≤ {@link #positions}
     * @return hidden states after the final layer norm, {@code [B, t, width]}
     */
    public Value describe(Program net, Value ids) {
        List<Value> states = layerStates(net, ids);
        return finalNorm(net, states.get(layers));
    }

    /**
     * @param net the module that holds {@code text_model}
     * @param ids token ids, {@code int64 [B, t]}, t ≤ {@link #positions}
     * @param penultimate whether hidden states begin at the last layer but one, without final norm, as SDXL takes them;
     *     otherwise they begin at the last layer, each through the final norm
     */
    States describeStates(Program net, Value ids, boolean penultimate) {
        List<Value> states = layerStates(net, ids);
        List<Value> hidden = new ArrayList<>();
        for (int i = penultimate ? layers - 1 : layers; i >= 0; i--) {
            hidden.add(penultimate ? states.get(i) : finalNorm(net, states.get(i)));
        }
        if (!projects) {
            return new States(hidden, null);
        }
        Value last = penultimate ? finalNorm(net, states.get(layers)) : hidden.get(0);
        String isEnd = endOfText == LEGACY_END
                ? ids.name()
                : "torch.to(torch.eq(" + ids.name() + ", " + endOfText + "), 3)"; // 3: int32
        Value end = net.rowOfLargest(last, net.let(isEnd, ids.shape()));
        return new States(hidden, net.linear("text_projection", end, projectionWidth, false));
    }

    /** The embedded tokens, then the output of every layer. */
    private List<Value> layerStates(Program net, Value ids) {
        Program text = net.at("text_model");
        Program embeddings = text.at("embeddings");
        Value x = net.add(
                embeddings.embedding("token_embedding", ids, vocabulary, width),
                embeddings.firstRows("position_embedding", ids, positions, width));
        List<Value> states = new ArrayList<>(List.of(x));
        for (int i = 0; i < layers; i++) {
            x = layer(text.at("encoder").at("layers").at(i), x);
            states.add(x);
        }
        return states;
    }

    private Value finalNorm(Program net, Value x) {
        return net.at("text_model").layerNorm("final_layer_norm", x, eps);
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
