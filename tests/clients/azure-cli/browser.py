# Stands in for a browser at the sign-in page: fills in the form and follows the answer back to the client.
import html
import os
import re
import sys

import requests

url = sys.argv[1]
session = requests.Session()
hidden = re.compile(r'type="hidden" name="([^"]*)" value="([^"]*)"')


def fields(page):
    return {html.unescape(name): html.unescape(value) for name, value in hidden.findall(page)}


form = fields(session.get(url).text)
if len(sys.argv) > 2:
    form["user_code"] = sys.argv[2]
form.update(username=os.environ["KUSTODY_USERNAME"], password=os.environ["KUSTODY_PASSWORD"])
answer = session.post(url, data=form, allow_redirects=False)
if answer.status_code == 302:
    session.get(answer.headers["location"])
elif 'action="' in answer.text:
    session.post(html.unescape(re.search(r'action="([^"]*)"', answer.text).group(1)), data=fields(answer.text))
