#!/usr/bin/env python3
"""Holds the answers of a cluster against models/images/expected.tsv.

  answers.py EXPECTED.tsv JOBS ANSWERS

JOBS has a line "job file" for each picture sent, ANSWERS the lines read from the output topic. Exit
code 0: every job has one answer, and it is right. 2: answers are missing so far. 1: wrong.
"""
import json
import sys


def main():
    expected_path, jobs_path, answers_path = sys.argv[1:]
    expected = {}
    for line in open(expected_path):
        if not line.startswith("#"):
            file, label, score = line.split("\t")
            expected[file] = (label, float(score))
    jobs = dict(line.split() for line in open(jobs_path))
    answers, wrong = {}, []
    for line in open(answers_path):
        if not line.startswith("{") or not line.endswith("}\n"):
            continue  # what mosquitto_sub says of itself, or half a line
        answer = json.loads(line)
        job = answer["job"]
        # A hub that was killed may say again what it had said, word for word.
        if job in answers and answers[job] != answer:
            wrong.append(f"{job} was answered twice, differently")
        answers[job] = answer
    for job, answer in answers.items():
        if job not in jobs:
            wrong.append(f"{job} was answered but never sent")
        elif answer["state"] != "done":
            wrong.append(f"{job} is {answer['state']}: {answer.get('error')}")
        else:
            label, score = expected[jobs[job]]
            best = answer["top"][0]
            if best["label"] != label or abs(best["score"] - score) > 0.005:
                wrong.append(f"{jobs[job]} is {best['label']} ({best['score']}), not {label} ({score})")
    if wrong:
        sys.exit("\n".join(wrong))
    missing = [job for job in jobs if job not in answers]
    if missing:
        print(f"{len(answers)} of {len(jobs)} answered; not yet: {' '.join(missing[:5])}")
        sys.exit(2)
    print(f"{len(answers)} of {len(jobs)} answered, all right")


main()
