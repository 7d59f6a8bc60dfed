-- The limit: one function call and one transaction a posting, writing the rows that the product writes.
-- It is given what is fast: one UPDATE takes the lock and the number, nothing is looked up that is not needed,
-- and texts are as long as the product's.

CREATE OR REPLACE FUNCTION bench_member(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

-- The rows that a posting and an order write besides the books: event, audit entry, stored answer.
CREATE OR REPLACE FUNCTION bench_tell(member uuid, event text, action text, reference text, answer text,
    payload text, recorded timestamptz, at timestamptz, status smallint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (event_id, type, member_id, recorded_at, payload)
    VALUES (uuidv7(), event, member, recorded, payload);
    INSERT INTO audit_entries (written_at, actor, action, subject, reason, request_id, detail)
    VALUES (at, 'key:ak_01900000000070008000000000000000', action, 'mbr_01900000000070008000000000000000', '',
            'req_000000000000000000000000', '');
    INSERT INTO idempotency_answers (client, key, request_hash, status, body, written_at)
    VALUES ('key:ak_01900000000070008000000000000000', reference,
            '\x000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f', status, answer::bytea, at);
END $$;

CREATE OR REPLACE FUNCTION bench_accrue(n bigint, points bigint, reference text, answer text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    member uuid := bench_member(n);
    at timestamptz := clock_timestamp();
    number bigint;
    recorded timestamptz;
    total bigint;
BEGIN
    UPDATE member_books SET version = version + 1, next_seq = next_seq + 1,
        last_recorded_at = greatest(last_recorded_at, at)
    WHERE member_id = member RETURNING next_seq - 1, last_recorded_at INTO number, recorded;
    UPDATE member_wallets SET balance = balance + points WHERE member_id = member AND wallet_id = 1
    RETURNING balance INTO total;
    INSERT INTO ledger_transfers (member_id, seq, wallet_id, kind, debit_account, credit_account, amount,
        balance_after, debt_change, qualifying, reference, order_id, effective_at, recorded_at, written_at,
        policy_version, basis, command_hash)
    VALUES (member, number, 1, 'accrue', 101, 100, points, total, 0, false, reference, NULL, recorded, recorded, at,
            1, '', '\x000102030405060708090a0b0c0d0e0f');
    INSERT INTO lots (member_id, lot_no, wallet_id, amount, remaining, earned_at, available_at, expires_at, order_id)
    VALUES (member, number, 1, points, points, recorded, recorded, recorded + interval '400 days', NULL);
    PERFORM bench_tell(member, 'PointsAccrued', 'accrue', reference, answer,
        '{"member_id":"01900000-0000-7000-8000-000000000000","recorded_at":"2026-01-01T00:00:00.000000Z",'
        '"wallet":"points","amount":10,"reference":"' || reference || '"}', recorded, at, 201::smallint);
    RETURN number;
END $$;

CREATE OR REPLACE FUNCTION bench_redeem(n bigint, points bigint, reference text, answer text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    member uuid := bench_member(n);
    at timestamptz := clock_timestamp();
    number bigint;
    recorded timestamptz;
    total bigint;
    lacking bigint := points;
    part bigint;
    uses smallint := 0;
    lot record;
BEGIN
    UPDATE member_books SET version = version + 1, next_seq = next_seq + 1,
        last_recorded_at = greatest(last_recorded_at, at)
    WHERE member_id = member RETURNING next_seq - 1, last_recorded_at INTO number, recorded;
    FOR lot IN
        SELECT l.lot_no, l.remaining FROM lots AS l
        WHERE l.member_id = member AND l.remaining > 0 AND l.wallet_id = 1
          AND l.available_at <= recorded AND l.expires_at > recorded
        ORDER BY l.expires_at, l.earned_at, l.lot_no
    LOOP
        part := least(lot.remaining, lacking);
        UPDATE lots SET remaining = remaining - part WHERE member_id = member AND lot_no = lot.lot_no;
        INSERT INTO lot_uses (member_id, seq, use_no, lot_no, amount, gives_back, of_seq)
        VALUES (member, number, uses, lot.lot_no, part, 0, NULL);
        lacking := lacking - part;
        uses := uses + 1;
        EXIT WHEN lacking = 0;
    END LOOP;
    IF lacking > 0 THEN
        RAISE EXCEPTION 'too few points';
    END IF;
    UPDATE member_wallets SET balance = balance - points WHERE member_id = member AND wallet_id = 1
    RETURNING balance INTO total;
    INSERT INTO ledger_transfers (member_id, seq, wallet_id, kind, debit_account, credit_account, amount,
        balance_after, debt_change, qualifying, reference, order_id, effective_at, recorded_at, written_at,
        policy_version, basis, command_hash)
    VALUES (member, number, 1, 'redeem', 100, 102, points, total, 0, false, reference, NULL, recorded, recorded, at,
            1, '', '\x000102030405060708090a0b0c0d0e0f');
    PERFORM bench_tell(member, 'PointsRedeemed', 'redeem', reference, answer,
        '{"member_id":"01900000-0000-7000-8000-000000000000","recorded_at":"2026-01-01T00:00:00.000000Z",'
        '"wallet":"points","amount":10,"reference":"' || reference || '"}', recorded, at, 201::smallint);
    RETURN number;
END $$;

-- A paid basket of nine lines: the order, its settlement, points and growth.
CREATE OR REPLACE FUNCTION bench_order(n bigint, points bigint, reference text, answer text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    member uuid := bench_member(n);
    at timestamptz := clock_timestamp();
    number bigint;
    recorded timestamptz;
    expires timestamptz;
    total bigint;
    growth bigint;
BEGIN
    INSERT INTO order_keys (order_id, member_id) VALUES (reference, member);
    UPDATE member_books SET version = version + 1, next_seq = next_seq + 2, window_sum = window_sum + points,
        last_recorded_at = greatest(last_recorded_at, at), window_at = greatest(window_at, last_recorded_at, at),
        window_oldest_at = coalesce(window_oldest_at, greatest(last_recorded_at, at)), window_days = 365
    WHERE member_id = member RETURNING next_seq - 2, last_recorded_at INTO number, recorded;
    expires := (date_trunc('month', recorded AT TIME ZONE 'America/New_York') + interval '13 months')
        AT TIME ZONE 'America/New_York';
    UPDATE member_wallets SET balance = balance + points WHERE member_id = member AND wallet_id = 1
    RETURNING balance INTO total;
    INSERT INTO member_wallets AS w (member_id, wallet_id, balance, debt) VALUES (member, 2, points, 0)
    ON CONFLICT (member_id, wallet_id) DO UPDATE SET balance = w.balance + excluded.balance
    RETURNING balance INTO growth;
    INSERT INTO ledger_transfers (member_id, seq, wallet_id, kind, debit_account, credit_account, amount,
        balance_after, debt_change, qualifying, reference, order_id, effective_at, recorded_at, written_at,
        policy_version, basis, command_hash)
    VALUES (member, number, 1, 'earn', 101, 100, points, total, 0, false, 'order:' || reference || ':earn',
            reference, recorded, recorded, at, 1, '{"base":3,"multiplier":1,"tier":"regular"}', NULL),
           (member, number + 1, 2, 'earn', 201, 200, points, growth, 0, true, 'order:' || reference || ':growth',
            reference, recorded, recorded, at, 1, '', NULL);
    INSERT INTO lots (member_id, lot_no, wallet_id, amount, remaining, earned_at, available_at, expires_at, order_id)
    VALUES (member, number, 1, points, points, recorded, recorded + interval '7 days', expires, reference);
    INSERT INTO settlements (member_id, order_id, total_minor, points_used, base, multiplier, tier, policy_version,
        redeem_seq, earn_seq, effective_at, recorded_at, returned_minor, points_used_now, base_now)
    VALUES (member, reference, 396, 0, points, 1, 0, 1, NULL, number, recorded, recorded, 0, 0, points);
    INSERT INTO orders (member_id, order_id, state, channel, store_id, market, currency, total_minor, returned_minor,
        points_used, occurred_at, recorded_at, paid_at, content_hash, payments, effects)
    VALUES (member, reference, 'paid', 'store', '330', 'US', 'USD', 396, 0, 0, recorded, recorded, recorded,
            '\x000102030405060708090a0b0c0d0e0f', '',
            '{"points_used":0,"points_earned":3,"multiplier":1,"base":3,"growth_earned":3,"debt_repaid":0,'
            '"available_at":"2026-11-29T15:26:10.278632Z","expires_at":"2027-12-01T05:00:00Z",'
            '"tier_before":"regular","tier_after":"regular","policy_version":1}');
    INSERT INTO order_lines (member_id, order_id, line_no, line_id, sku, quantity_milli, amount_minor, returned_milli,
        returned_minor)
    SELECT member, reference, line, line::text, (1000000 + line * 7919)::text, 1000, 19 + 5 * line, 0, 0
    FROM generate_series(1, 9) AS line;
    PERFORM bench_tell(member, 'OrderPaid', 'record_order', reference, answer,
        '{"member_id":"01900000-0000-7000-8000-000000000000","recorded_at":"2026-01-01T00:00:00.000000Z","order_id":"'
        || reference || '","channel":"store","store_id":"330","market":"US","total_minor":396,"points_used":0,'
        '"points_earned":3,"growth_earned":3' || repeat(' ', 190) || '}', recorded, at, 201::smallint);
    RETURN number;
END $$;
