/* Refresh of one session, for the model checker SPIN: docs/explanation/model.md says what it stands for and what it leaves out.
 *
 * Two holders show what they hold, whenever they like and again before they have an answer: the owner, with an
 * Idempotency-Key or without, and somebody who copied the owner's token, a second tab or a thief. Requests are those in
 * work at the same time. A statement that is sent is carried out at any time, or never, also when nobody waits for it.
 * Instants are kept as ages in ticks, which stop growing where more makes no difference: time has no bound.
 */

/* The rules, each of which can be taken out: spin -DNOTHING_LATE=0 … */
#ifndef CONDITIONAL_WRITE
#define CONDITIONAL_WRITE 1 /* UPDATE … WHERE generation = g AND token_hash = … */
#endif
#ifndef LIVE_WRITE
#define LIVE_WRITE 1 /* … AND revoked_at IS NULL */
#endif
#ifndef NOTHING_LATE
#define NOTHING_LATE 1 /* … AND SYSDATE() < read_at + patience */
#endif
#ifndef WINDOW_FROM_COMMIT
#define WINDOW_FROM_COMMIT 1 /* rotated_at = clock + (SYSDATE() - read_at) */
#endif
#ifndef CLOCK_EACH_LOOK
#define CLOCK_EACH_LOOK 1 /* the clock is read again with the row */
#endif
#ifndef FIXED_WINDOW
#define FIXED_WINDOW 1 /* a repeat writes nothing */
#endif
#ifndef PREDECESSOR_ONLY
#define PREDECESSOR_ONLY 1 /* only g = c - 1 is ever repeated */
#endif
#ifndef KEY_REPAIRS
#define KEY_REPAIRS 1 /* the Idempotency-Key of the rotation allows a repeat at any time */
#endif
#ifndef RACES_FORGIVEN
#define RACES_FORGIVEN 1 /* a call that saw its token current is no replay */
#endif
#ifndef OVERTAKEN_SPARED
#define OVERTAKEN_SPARED 1 /* nor is such a call that is further behind by now */
#endif
#ifndef OVERTAKEN_ASKED_AGAIN
#define OVERTAKEN_ASKED_AGAIN 1 /* it is answered 503, and not refused: its next try is decided anew */
#endif
#ifndef DERIVED
#define DERIVED 1 /* the successor follows from the token; else it is minted, and a repeat mints another */
#endif
#ifndef COMMITTED_REVOCATION
#define COMMITTED_REVOCATION 1 /* reuse is answered when the end of the session is committed */
#endif
#ifndef CLEANUP_OF_ENDED
#define CLEANUP_OF_ENDED 1 /* cleanup deletes only what has ended */
#endif

/* Bounds. Spans are in ticks. */
#ifndef REQUESTS
#define REQUESTS 2
#endif
#ifndef GENERATIONS
#define GENERATIONS 3
#endif
#ifndef WINDOW
#define WINDOW 2
#endif
#define PATIENCE 3    /* a function waits so long for a statement */
#define ANSWER 1      /* what of it is left for the answer */
#ifndef CLOCK_STEP
#define CLOCK_STEP 1  /* the functions' clocks are so far apart, or are set by so much */
#endif
#ifndef SERVER_STEP
#define SERVER_STEP 1 /* the database's clock is set on (negative: back) by so much while a statement waits */
#endif

#define SET_BACK ((SERVER_STEP < 0) * -(SERVER_STEP))
#define OLD (WINDOW + CLOCK_STEP + SERVER_STEP + 2 * SET_BACK) /* beyond this all ages are alike */
#define OWNER 0
#define COPY 1
#define NOBODY 2

/* The row. since: the age of rotated_at by the clocks. form: which one of the tokens that may be minted for a generation. */
byte generation;
bit form, spent_with_key, revoked, deleted;
short since = OLD;

/* The holders. asking: requests without an answer so far; unanswered: of one for this token nothing will be heard. */
byte holds[2], asking[2];
bit form_held[2], unanswered[2];
byte owner_has_key = 2; /* 2: not said yet */

/* The requests in work. sent: its UPDATE is on its way; age: ticks since it read the row; waits: the function waits for it. */
bit sent[REQUESTS], waits[REQUESTS];
byte age[REQUESTS];

/* What really happened, which no part of the service can see. */
byte spent_by = NOBODY, spent_age = OLD;

#define REQUIRE(name, condition) assert(condition)
#define IS_RECENT (WINDOW > 0 && since + off - stale < WINDOW)
#define HAS_KEY(holder) (holder == OWNER && owner_has_key == 1)

/* The UPDATE, when the server carries it out. stale: the age of the clock's reading when the row was read. */
inline carried_out() {
    if :: step = 0 :: step = SERVER_STEP fi;
    if
    :: !deleted &&
       (!CONDITIONAL_WRITE || (generation == shown && form == shown_form)) &&
       (!LIVE_WRITE || !revoked) &&
       (!NOTHING_LATE || age[_pid] + step < PATIENCE - ANSWER) ->
        printf("request %d: the server spends generation %d\n", _pid, shown);
        REQUIRE(what_ended_stays_ended, !revoked);
        REQUIRE(one_chain, generation == shown);
        generation = shown + 1;
        form = (DERIVED -> 0 : 1 - form);
        spent_with_key = HAS_KEY(who);
        since = stale - off + (WINDOW_FROM_COMMIT -> -step : age[_pid]);
        since = (since > OLD -> OLD : since);
        spent_by = who;
        spent_age = 0;
        row_count = 1
    :: else ->
        printf("request %d: row count 0\n", _pid);
        row_count = 0
    fi;
    step = 0
}

/* What nothing depends on any more is set back, so that states which differ in it alone are one. */
inline ended() {
    revoked = 1; since = OLD; spent_with_key = 0; spent_by = NOBODY; spent_age = OLD
}

inline forget() {
    sent[_pid] = 0; waits[_pid] = 0; age[_pid] = 0;
    stale = 0; off = 0; raced = 0; row_count = 0
}

active [REQUESTS] proctype request() {
    byte who, shown;
    bit shown_form, raced, row_count;
    short off, stale, step;

end:
    atomic {
        if :: who = OWNER :: who = COPY fi;
        if
        :: owner_has_key == 2 -> if :: owner_has_key = 0 :: owner_has_key = 1 fi
        :: else
        fi;
        shown = holds[who];
        shown_form = form_held[who];
        asking[who]++;
        printf("request %d: holder %d shows generation %d\n", _pid, who, shown);
        goto look
    }

look: /* the clock, the row, the decision, and the UPDATE sent where there is one */
    atomic {
        if
        :: CLOCK_EACH_LOOK || !raced -> if :: off = 0 :: off = CLOCK_STEP fi
        :: else -> stale = stale + age[_pid]
        fi;
        age[_pid] = 0;
        if
        :: deleted ->
            REQUIRE(cleanup_takes_what_ended, revoked);
            goto refused
        :: !deleted && revoked -> goto refused
        :: else
        fi;
        REQUIRE(one_chain, shown <= generation);
        if
        :: shown == generation ->
            REQUIRE(what_is_handed_out_lives, shown_form == form);
            if
            :: generation == GENERATIONS - 1 -> goto beyond /* the bound of this model */
            :: else ->
                printf("request %d: current, sends its UPDATE\n", _pid);
                sent[_pid] = 1;
                waits[_pid] = 1;
                goto waiting
            fi
        :: else
        fi;
        if
        :: (shown + 1 == generation || !PREDECESSOR_ONLY) &&
           (IS_RECENT || (raced && RACES_FORGIVEN) || (KEY_REPAIRS && HAS_KEY(who) && spent_with_key)) ->
            printf("request %d: a retry\n", _pid);
            REQUIRE(an_older_token_is_never_repeated, shown + 1 == generation);
            REQUIRE(a_late_replay_is_found, spent_age < OLD || raced || (HAS_KEY(who) && spent_by == who));
            if :: FIXED_WINDOW :: else -> since = -off fi;
            if :: DERIVED :: else -> form = 1 - form fi;
            goto answer
        :: OVERTAKEN_SPARED && raced && shown + 1 < generation ->
            printf("request %d: overtaken\n", _pid);
            if :: OVERTAKEN_ASKED_AGAIN -> goto unavailable :: else -> goto refused fi
        :: else ->
            printf("request %d: reuse\n", _pid);
            REQUIRE(a_race_is_no_theft, !raced);
            if
            :: shown + 1 == generation ->
                REQUIRE(a_key_repairs_at_any_time, !HAS_KEY(who) || spent_by != who);
                REQUIRE(the_window_opens_at_the_commit, spent_age >= WINDOW - CLOCK_STEP - SET_BACK);
                REQUIRE(a_503_is_followed_by_no_refusal,
                    spent_by != who || holds[who] != shown || asking[who] > 1 || unanswered[who])
            :: else
            fi;
            forget()
        fi
    }
    atomic {
        if
        :: COMMITTED_REVOCATION -> ended()
        :: else /* rolled back by the error that reports it */
        fi;
        REQUIRE(what_is_told_is_committed, revoked || deleted);
        goto refused
    }

waiting:
    if
    :: atomic {
            carried_out();
            waits[_pid] = 0;
            sent[_pid] = 0;
            if
            :: row_count -> goto answer
            :: row_count -> printf("request %d: the connection is cut\n", _pid); row_count = 0; raced = 1; goto look
            :: !row_count && !raced -> raced = 1; goto look
            :: !row_count && raced -> goto unavailable
            fi
       }
    :: atomic {
            age[_pid] == PATIENCE ->
            waits[_pid] = 0;
            asking[who]--;
            if
            :: printf("request %d: gives up and answers 503\n", _pid)
            :: printf("request %d: gives up, and its 503 is lost\n", _pid); unanswered[who] = 1
            fi
       }
    :: atomic {
            printf("request %d: is killed\n", _pid);
            waits[_pid] = 0;
            asking[who]--;
            unanswered[who] = 1
       }
    fi;
    atomic { /* nobody waits, and the server goes on */
        if
        :: carried_out()
        :: printf("request %d: its UPDATE is never carried out\n", _pid)
        fi;
        goto over
    }

unavailable:
    atomic {
        asking[who]--;
        if
        :: printf("request %d: answers 503\n", _pid)
        :: printf("request %d: its 503 is lost\n", _pid); unanswered[who] = 1
        fi;
        goto over
    }

answer:
    atomic { forget() }
    atomic { /* at any later time */
        asking[who]--;
        if
        :: printf("request %d: its answer is lost\n", _pid);
           unanswered[who] = 1
        :: printf("request %d: its answer arrives\n", _pid);
           if
           :: holds[who] <= shown -> holds[who] = shown + 1; form_held[who] = form; unanswered[who] = 0
           :: else
           fi
        fi;
        goto over
    }

refused:
    atomic {
        printf("request %d: invalid_grant\n", _pid);
        REQUIRE(no_session_outlives_a_refusal, revoked || deleted);
        goto beyond
    }
beyond:
    atomic { asking[who]-- }
over:
    atomic { forget(); who = 0; shown = 0; shown_form = 0; goto end }
}

inline older(ticks, bound) {
    ticks = (ticks < bound -> ticks + 1 : ticks)
}

active proctype world() {
    byte r;
    bit is_due;

end:
    do
    :: atomic { /* a tick; a function gives up in time */
            r = 0;
            do
            :: r < REQUESTS -> is_due = is_due || (waits[r] && age[r] == PATIENCE); r++
            :: else -> r = 0; break
            od;
            if
            :: is_due -> is_due = 0
            :: else ->
                printf("a tick\n");
                older(since, OLD);
                older(spent_age, OLD);
                do
                :: r < REQUESTS -> if :: sent[r] -> older(age[r], PATIENCE) :: else fi; r++
                :: else -> r = 0; break
                od
            fi
       }
    :: atomic { holds[COPY] < holds[OWNER] ->
            printf("the owner's token is copied\n");
            holds[COPY] = holds[OWNER];
            form_held[COPY] = form_held[OWNER];
            unanswered[COPY] = 0
       }
    :: atomic { !revoked -> printf("the session is revoked\n"); ended() }
    :: atomic { !deleted && (revoked || !CLEANUP_OF_ENDED) ->
            printf("cleanup deletes the row\n");
            deleted = 1; generation = 0; form = 0; since = OLD; spent_with_key = 0; spent_by = NOBODY; spent_age = OLD
       }
    od
}
