/* A decoder's forward pass over the new tokens of many sequences: int8 weights, int8 activations (one scale a token),
 * everything else fp32, keys and values kept in fp16. Compiled once for each of isa/.
 *
 * What a token gets depends on its own sequence alone, bit for bit: integer sums are exact, and every float sum runs
 * in an order that neither the batch nor the threads change. So a request's answer is the same whoever else is asking.
 *
 * It knows no text, no sampling and no scheduling. __init__.py finds or builds it, compiled_base.py lays out its structures.
 */
#include "gemma3.h"
#include "gpt2.h"
#include "limits.h"
#include "processor.h"
#include "top.h"

/* Logits [wanted, outputs of the head] after the tokens at the indices `last`. Tokens of one sequence come in order.
 * Returns 0, or 1 if there is no memory for the pass. */
int forward(const Model *model, const Token *tokens, int count, const int *last, int wanted, float *logits) {
    static const Architecture *const architectures[] = {&gpt2, &gemma3};
    Pass p = {.architecture = architectures[model->architecture], .model = model, .tokens = tokens, .count = count};
    void *memory = rooms(&p);
    if (!memory) return 1;
    pthread_mutex_lock(&pool.call);
    mark();
    run(embed_token, &p, count, (long)count * model->width * 4);
    for (p.index = 0; p.index < model->layers; p.index++) {
        p.layer = &model->layer[p.index];
        block(&p);
    }
    spend(BETWEEN);
    head(&p, last, wanted, logits);
    spend(HEAD);
    pthread_mutex_unlock(&pool.call);
    free(memory);
    return 0;
}

/* The k largest of each row of logits [rows, vocabulary], largest first, ties in the order of their ids. */
void top(const float *logits, int rows, int vocabulary, int k, int *ids, float *values) {
    Top t = {logits, vocabulary, k, ids, values};
    pthread_mutex_lock(&pool.call);
    run(top_of_row, &t, rows, (long)rows * vocabulary);
    pthread_mutex_unlock(&pool.call);
}
